// Every page of the desk: the queue live, a badge in the title, a sound for who has just come.
(function () {
  "use strict";
  var badge = document.getElementById("waiting"), told = document.getElementById("told"), title = document.title;
  var known = null;

  function beep(urgent) {
    var Context = window.AudioContext || window.webkitAudioContext;
    if (!Context) return;
    try {
      var sound = new Context(), tone = sound.createOscillator(), volume = sound.createGain();
      tone.frequency.value = urgent ? 880 : 520;
      volume.gain.value = 0.15;
      tone.connect(volume); volume.connect(sound.destination);
      tone.start(); tone.stop(sound.currentTime + (urgent ? 0.9 : 0.25));
      tone.onended = function () { sound.close(); };
    } catch (silent) { /* no sound before the first key: the badge is there */ }
  }

  function take(html) {
    var box = document.createElement("div");
    box.innerHTML = html;
    var part = box.querySelector("[data-queue]");
    if (!part) return;
    var open = part.dataset.open ? part.dataset.open.split(" ") : [], urgent = Number(part.dataset.urgent);
    var fresh = known ? open.filter(function (id) { return known.indexOf(id) < 0; }) : [];
    known = open;
    badge.textContent = open.length || "";
    badge.setAttribute("aria-label", open.length ? open.length + "人在等" : "");
    document.title = (open.length ? "(" + open.length + ") " : "") + title;
    if (fresh.length) {
      told.textContent = urgent ? "有急事，请看排队" : "有人在等，请看排队";
      beep(urgent > 0);
    }
    var queue = document.getElementById("queue");
    if (!queue) return;
    var focused = document.activeElement && queue.contains(document.activeElement) ? document.activeElement.closest("form") : null;
    queue.innerHTML = html;
    if (focused) { // the clerk's finger was on a button: it stays there
      var again = queue.querySelector('form[action="' + focused.getAttribute("action") + '"] button');
      if (again) again.focus();
    }
  }

  if (window.EventSource) {
    var source = new EventSource("/desk/events");
    source.addEventListener("queue", function (event) { take(JSON.parse(event.data)); });
    window.addEventListener("pagehide", function () { source.close(); });
  }
  document.addEventListener("keydown", function (event) {
    if (event.key !== "n" || event.ctrlKey || event.altKey || event.metaKey) return;
    if (/INPUT|TEXTAREA|SELECT/.test(event.target.tagName)) return;
    var first = document.querySelector("#queue form button");
    if (first) { event.preventDefault(); first.click(); }
  });
})();
