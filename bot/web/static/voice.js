// Records what is said and sends it to our own server, never to a browser maker's recogniser.
// Without it the link leads to a page that takes a recording.
(function () {
  "use strict";
  var mic = document.getElementById("mic"), words = document.getElementById("voice-words");
  var status = document.getElementById("status"), MOST_MS = 60000;
  if (!mic || !words || !window.MediaRecorder || !navigator.mediaDevices || !window.advisor) return;
  var label = mic.querySelector("span"), word = label.textContent, recorder = null;
  mic.setAttribute("role", "button");

  function agreed() { try { return localStorage.getItem("voice") === "yes"; } catch (off) { return false; } }
  function consent(then) {
    if (agreed()) return then();
    if (document.getElementById("asks")) return;
    var box = document.getElementById("consent").content.firstElementChild.cloneNode(true);
    box.id = "asks";
    mic.closest("form").before(box);
    var yes = box.querySelector("[data-yes]");
    yes.focus();
    yes.addEventListener("click", function () {
      try { localStorage.setItem("voice", "yes"); } catch (off) { /* asked again next time */ }
      box.remove();
      mic.focus();
      then();
    });
    box.querySelector("[data-no]").addEventListener("click", function () {
      box.remove();
      document.getElementById("say").focus();
    });
  }
  function idle() {
    recorder = null;
    label.textContent = word;
    mic.removeAttribute("aria-pressed");
  }
  function record() {
    navigator.mediaDevices.getUserMedia({ audio: true }).then(function (stream) {
      var parts = [];
      recorder = new MediaRecorder(stream);
      recorder.ondataavailable = function (event) { parts.push(event.data); };
      recorder.onstop = function () {
        stream.getTracks().forEach(function (track) { track.stop(); });
        var type = recorder.mimeType;
        idle();
        send(new Blob(parts, { type: type }));
      };
      recorder.start();
      label.textContent = words.dataset.done;
      mic.setAttribute("aria-pressed", "true");
      status.textContent = words.dataset.recording;
      var mine = recorder;
      setTimeout(function () { if (recorder === mine && mine.state === "recording") mine.stop(); }, MOST_MS);
    }).catch(function () { status.textContent = words.dataset.refused; });
  }
  function send(sound) {
    var body = new FormData();
    body.append("csrf", document.getElementById("ask").elements.csrf.value);
    body.append("message_id", window.advisor.newId());
    body.append("sound", sound, "said");
    window.advisor.deliver("/voice", body, window.advisor.question(""), function () {});
    status.textContent = words.dataset.hearing;
  }
  mic.addEventListener("click", function (event) {
    event.preventDefault();
    if (recorder) recorder.stop(); else consent(record);
  });
  if (location.search === "?speak") {
    history.replaceState(null, "", "/chat#ask"); // a reload does not record again
    consent(record);
  }
  mic.addEventListener("keydown", function (event) {
    if (event.key === " ") { event.preventDefault(); mic.click(); }
  });
})();
