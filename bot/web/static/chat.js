// Sends without a reload: what was typed is never lost, the same message is never answered twice.
// Without this file every form is an ordinary post.
(function () {
  "use strict";
  var log = document.getElementById("log"), ask = document.getElementById("ask");
  var status = document.getElementById("status"), say = document.getElementById("say");
  if (!log || !ask || !window.fetch || !window.sessionStorage) return;
  var WAITS = [1000, 2000, 4000, 8000, 15000], GIVE_UP_MS = 20000;
  var pressed = null, sending = 0, later = [];

  function newId() {
    var bytes = new Uint8Array(16);
    (window.crypto || window.msCrypto).getRandomValues(bytes);
    return Array.prototype.map.call(bytes, function (b) { return ("0" + b.toString(16)).slice(-2); }).join("");
  }

  function keep(name, value) {
    try {
      if (value) sessionStorage.setItem(name, JSON.stringify(value)); else sessionStorage.removeItem(name);
    } catch (full) { /* then it is not kept */ }
  }
  function kept(name) {
    try { return JSON.parse(sessionStorage.getItem(name)); } catch (broken) { return null; }
  }

  function show(node) {
    var still = window.matchMedia && matchMedia("(prefers-reduced-motion: reduce)").matches;
    node.scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" });
  }

  // The question stands in the log at once; its answer is put below it, as one piece, which a
  // screen reader reads once.
  function question(text) {
    var turn = document.createElement("div");
    turn.className = "turn";
    if (text) {
      turn.innerHTML = '<article class="asked"><p class="who"></p><p></p></article>';
      turn.querySelector(".who").textContent = status.dataset.you;
      turn.querySelector("p:last-child").textContent = text;
    }
    log.appendChild(turn);
    show(turn);
    return turn;
  }

  function parsed(html) {
    var box = document.createElement("div");
    box.innerHTML = html;
    return box.querySelector(".turn");
  }

  function place(turn, html) {
    var part = parsed(html), answer = part && part.querySelector(".answer, .sent");
    if (!answer) return;
    if (part.id && document.getElementById(part.id)) { turn.remove(); return; }
    turn.id = part.id;
    turn.appendChild(turn.querySelector(".asked") ? answer : part);
    show(turn);
    named(answer);
  }

  // What only writing answers gives the box its name and the focus: no tap is needed to go on.
  function named(answer) {
    var label = ask.querySelector("label");
    label.textContent = answer.dataset.asks || label.dataset.plain;
    if (answer.dataset.asks) say.focus({ preventScroll: true });
  }

  function unasked(html) {
    if (sending) { later.push(html); return; }
    var part = parsed(html);
    if (!part || document.getElementById(part.id)) return;
    log.appendChild(part);
    show(part);
  }

  function deliver(to, body, turn, done) {
    var tries = 0, timer = null, over = false;
    sending += 1;
    status.textContent = status.dataset.searching;

    function finish(html) {
      if (over) return;
      over = true;
      sending -= 1;
      clearTimeout(timer);
      window.removeEventListener("online", attempt);
      status.textContent = "";
      place(turn, html);
      done();
      if (!sending) later.splice(0).forEach(unasked);
    }
    function again(words) {
      if (over) return;
      status.textContent = words;
      clearTimeout(timer);
      timer = setTimeout(attempt, WAITS[Math.min(tries++, WAITS.length - 1)]);
    }
    function attempt() {
      if (over) return;
      clearTimeout(timer);
      var stop = window.AbortController ? new AbortController() : null;
      var patience = setTimeout(function () { if (stop) stop.abort(); }, GIVE_UP_MS);
      fetch(to, {
        method: "POST", body: body, credentials: "same-origin", headers: { "X-Wants": "part" },
        signal: stop ? stop.signal : undefined,
      }).then(function (answer) {
        clearTimeout(patience);
        if (answer.status === 202) return again(status.dataset.retry); // it is being answered
        return answer.text().then(finish);
      }).catch(function () {
        clearTimeout(patience);
        again(navigator.onLine === false ? status.dataset.offline : status.dataset.retry);
      });
    }
    window.addEventListener("online", attempt);
    attempt();
  }

  function send(fields, text) {
    var body = new URLSearchParams();
    Object.keys(fields).forEach(function (name) { body.append(name, fields[name]); });
    var examples = document.getElementById("examples");
    if (examples) examples.remove();
    keep("unsent", { fields: fields, text: text });
    deliver("/chat", body, question(text), function () { keep("unsent", null); });
  }

  document.addEventListener("click", function (event) {
    pressed = event.target.closest ? event.target.closest("button") : null;
  }, true);
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.getAttribute("action") !== "/chat") return;
    event.preventDefault();
    var fields = { csrf: form.elements.csrf.value, message_id: newId() }, text;
    if (form === ask) {
      text = fields.text = say.value.trim();
      if (!text) return;
      say.value = "";
      keep("draft", null);
    } else {
      var button = event.submitter || pressed;
      if (!button || !button.name) return;
      fields[button.name] = button.value;
      text = button.getAttribute("aria-label") || button.textContent.trim();
    }
    send(fields, text);
  });
  say.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    ask.requestSubmit ? ask.requestSubmit() : ask.querySelector("button").click();
  });
  say.addEventListener("input", function () { keep("draft", say.value); });
  if (!say.value && kept("draft")) say.value = kept("draft");

  var unsent = kept("unsent");
  if (unsent && unsent.fields) {
    unsent.fields.csrf = ask.elements.csrf.value;
    send(unsent.fields, unsent.text); // the same id: answered once, however often it is sent
  }

  if (window.EventSource) {
    var news = document.getElementById("news"), source;
    (function open() {
      source = new EventSource("/chat/events");
      source.addEventListener("said", function (event) { unasked(JSON.parse(event.data)); });
      source.addEventListener("ready", function () { if (news) news.hidden = true; });
      source.onerror = function () { // what the browser gives up (a server that starts anew) is opened again
        if (source.readyState === 2) setTimeout(open, 3000);
      };
    })();
    window.addEventListener("pagehide", function () { source.close(); });
  }
  window.advisor = { deliver: deliver, question: question, newId: newId };
})();
