// A text block to the clipboard, in one key.
document.querySelectorAll("[data-copy]").forEach(function (button) {
  "use strict";
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", function () {
    navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value).then(function () {
      button.textContent = "复制好了";
    });
  });
});
