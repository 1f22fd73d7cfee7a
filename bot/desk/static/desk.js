// Every page of the desk: the queue live, a badge in the title, a sound for who has just come.
(function () {
  "use strict";
  var badge = document.getElementById("waiting"), told = document.getElementById("told"), title = document.title;
  var known = null;

  // Keys without Alt or Ctrl can be turned off: who dictates, or whose hand shakes, presses them unawares.
  var keys = document.getElementById("keys"), off = false;
  try { off = localStorage.getItem("desk-keys") === "off"; } catch (none) { /* on, then */ }
  function showKeys() { keys.setAttribute("aria-pressed", String(!off)); }
  keys.hidden = false;
  showKeys();
  keys.addEventListener("click", function () {
    off = !off;
    try { localStorage.setItem("desk-keys", off ? "off" : "on"); } catch (none) { /* for this page only */ }
    showKeys();
  });
  window.deskKeys = function () { return !off; };

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
    var open = part.dataset.open ? part.dataset.open.split(" ") : [];
    var fresh = known ? open.filter(function (id) { return known.indexOf(id) < 0; }) : [];
    known = open;
    badge.textContent = open.length || "";
    badge.setAttribute("aria-label", open.length ? open.length + "人在等" : "");
    document.title = (open.length ? "(" + open.length + ") " : "") + title;
    if (fresh.length) {
      var grave = fresh.some(function (id) { return part.dataset.danger.split(" ").indexOf(id) >= 0; });
      told.textContent = (grave ? "新来一位急事，共" : "新来一位，共") + open.length + "人在等";
      beep(grave);
    }
    var queue = document.getElementById("queue");
    if (!queue) return;
    var focused = document.activeElement && queue.contains(document.activeElement) ? document.activeElement.closest("[data-ticket]") : null;
    queue.innerHTML = html;
    if (focused) { // the clerk's finger was on a button: it stays there
      var again = queue.querySelector('[data-ticket="' + focused.dataset.ticket + '"] :is(button, a)');
      if (again) again.focus();
    }
  }

  // A stream that the browser has given up is opened anew; until then the page says that it is not live.
  window.deskListen = function (address, name, act) {
    if (!window.EventSource) return;
    var source, line = document.getElementById("cut-off");
    function open() {
      source = new EventSource(address);
      source.addEventListener(name, function (event) { line.hidden = true; act(JSON.parse(event.data)); });
      source.onerror = function () {
        line.hidden = false;
        if (source.readyState !== 2) return; // it tries by itself
        fetch("/desk/alive", { headers: { "X-Wants": "part" } }).then(function (answer) {
          if (answer.status === 401) line.textContent = "登录过期了，请重新登录。在这一页写的字还在。";
        }).catch(function () { /* the network: tried again below */ });
        setTimeout(open, 3000);
      };
    }
    open();
    window.addEventListener("pagehide", function () { source.close(); });
  };
  window.deskListen("/desk/events", "queue", take);
  document.addEventListener("keydown", function (event) {
    if (off || event.key !== "n" || event.ctrlKey || event.altKey || event.metaKey) return;
    if (/INPUT|TEXTAREA|SELECT/.test(event.target.tagName)) return;
    var first = document.querySelector("#queue form button");
    if (first) { event.preventDefault(); first.click(); }
  });
})();
