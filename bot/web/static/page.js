// What every page has: print, copy, send to family. The page is whole without it.
(function () {
  "use strict";
  function each(selector, can, act) {
    document.querySelectorAll(selector).forEach(function (button) {
      if (!can) return;
      button.hidden = false;
      button.addEventListener("click", function () { act(button); });
    });
  }
  each("[data-print]", window.print, function () { window.print(); });
  each("[data-copy]", navigator.clipboard, function (button) {
    navigator.clipboard.writeText(button.dataset.copy).then(function () {
      button.textContent = button.dataset.copied; // the button has the focus, so its new name is read
    }, function () { button.hidden = true; });
  });
  each("[data-share]", navigator.share, function (button) {
    navigator.share({ title: button.dataset.title, url: button.dataset.share }).catch(function () {});
  });
  var mic = document.getElementById("mic"); // where a script can record, no recording need be picked
  if (mic && window.MediaRecorder && navigator.mediaDevices && !document.getElementById("log")) mic.href = "/chat?speak#ask";
  if (navigator.serviceWorker) navigator.serviceWorker.register("/sw.js").catch(function () {});
})();
