// The talk live; Enter sends. What is being typed stays, whatever comes in.
(function () {
  "use strict";
  var talk = document.getElementById("talk"), say = document.getElementById("say"), form = document.getElementById("write");
  function down() { talk.scrollTop = talk.scrollHeight; }
  down();
  if (window.EventSource) {
    var source = new EventSource(talk.dataset.events);
    source.addEventListener("talk", function (event) {
      var html = JSON.parse(event.data);
      if (talk.innerHTML.trim() === html.trim()) return;
      talk.innerHTML = html;
      down();
    });
    window.addEventListener("pagehide", function () { source.close(); });
  }
  if (!form || !say) return;
  var place = "desk:" + location.pathname;
  try { if (!say.value) say.value = sessionStorage.getItem(place) || ""; } catch (none) { /* not kept then */ }
  function keep() { try { sessionStorage.setItem(place, say.value); } catch (none) { /* same */ } }
  say.addEventListener("input", keep);
  say.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    var text = say.value.trim();
    if (!text) return;
    var body = new URLSearchParams(new FormData(form));
    body.set("act", "write");
    say.value = ""; keep();
    fetch(form.action, { method: "POST", body: body, credentials: "same-origin" }).then(function (answer) {
      if (!answer.ok) throw new Error(answer.status);
      var bytes = new Uint8Array(16);
      crypto.getRandomValues(bytes);
      form.elements.key.value = Array.prototype.map.call(bytes, function (b) { return ("0" + b.toString(16)).slice(-2); }).join("");
    }).catch(function () {
      say.value = text; keep(); // nothing typed is lost
      document.getElementById("told").textContent = "没有发出，请再试";
      alert_once();
    });
  });
  function alert_once() {
    if (document.getElementById("not-sent")) return;
    var line = document.createElement("p");
    line.id = "not-sent"; line.className = "problem"; line.setAttribute("role", "alert");
    line.textContent = "没有发出。网络断了，或者这位已经不在您手上。刷新一下看看，写的话还在。";
    form.before(line);
  }
  say.focus({ preventScroll: true });
})();
