// Reads answers aloud: with a Chinese voice of the device where it has one, else with our own server's.
(function () {
  "use strict";
  var speech = window.speechSynthesis, sound = new Audio(), now = null;
  var stopWord = (document.getElementById("voice-words") || { dataset: {} }).dataset.stop || "停";

  function voice() {
    var all = speech && speech.getVoices ? speech.getVoices() : [];
    return all.filter(function (v) { return /^(zh|cmn)/i.test(v.lang) && v.localService; })[0];
  }
  function ended() {
    if (!now) return;
    now.querySelector("span").textContent = now.dataset.word;
    now.removeAttribute("aria-pressed");
    now = null;
  }
  function stop() {
    if (speech) speech.cancel();
    sound.pause();
    ended();
  }
  function start(link) {
    var slow = link.hasAttribute("data-slow"), own = voice();
    now = link;
    link.dataset.word = link.querySelector("span").textContent;
    link.querySelector("span").textContent = stopWord;
    link.setAttribute("aria-pressed", "true");
    if (own) {
      var words = new SpeechSynthesisUtterance(link.dataset.speak);
      words.voice = own;
      words.lang = own.lang;
      words.rate = slow ? 0.65 : 0.9;
      words.onend = words.onerror = function () { if (now === link) ended(); };
      speech.speak(words);
      return;
    }
    sound.src = link.getAttribute("href");
    sound.onended = sound.onerror = function () { if (now === link) ended(); };
    sound.play().catch(ended);
  }
  function offer() { // where the server cannot read aloud, the device may
    if (!voice()) return;
    document.querySelectorAll("a.aloud[hidden]").forEach(function (link) { link.hidden = false; });
  }
  document.addEventListener("click", function (event) {
    var link = event.target.closest ? event.target.closest("a.aloud") : null;
    if (!link) return;
    event.preventDefault();
    var again = now === link;
    stop();
    if (!again) start(link);
  });
  document.addEventListener("keydown", function (event) {
    var link = event.target.closest ? event.target.closest("a.aloud") : null;
    if (link && event.key === " ") { event.preventDefault(); link.click(); }
    if (event.key === "Escape") stop();
  });
  document.querySelectorAll("a.aloud").forEach(function (link) { link.setAttribute("role", "button"); });
  if (window.MutationObserver && document.getElementById("log")) {
    new MutationObserver(function () {
      document.querySelectorAll("a.aloud:not([role])").forEach(function (link) { link.setAttribute("role", "button"); });
      offer();
    }).observe(document.getElementById("log"), { childList: true, subtree: true });
  }
  if (speech) { offer(); speech.onvoiceschanged = offer; }
})();
