// Finds services while one types, and places by where one is. Both work without it.
(function () {
  "use strict";
  var found = document.getElementById("found"), field = document.getElementById("q"), PAUSE_MS = 250;
  if (!found || !window.fetch) return;
  function put(address, options) {
    options = options || {};
    options.headers = { "X-Wants": "part" };
    options.credentials = "same-origin";
    return fetch(address, options).then(function (answer) { return answer.text(); });
  }
  if (field) {
    var timer = null, last = field.value;
    field.addEventListener("input", function () {
      clearTimeout(timer);
      timer = setTimeout(function () {
        var asked = last = field.value.trim();
        if (!asked) { found.innerHTML = ""; return; }
        put("/services?q=" + encodeURIComponent(asked)).then(function (html) {
          if (asked === last) found.innerHTML = html; // an older answer that came late is left out
        }).catch(function () {});
      }, PAUSE_MS);
    });
  }
  var here = document.getElementById("here"), form = document.getElementById("places");
  if (here && navigator.geolocation) {
    var button = here.querySelector("button");
    here.hidden = false;
    button.addEventListener("click", function () {
      found.textContent = button.dataset.searching;
      navigator.geolocation.getCurrentPosition(function (at) {
        var body = new URLSearchParams();
        body.append("csrf", button.dataset.csrf);
        body.append("kind", form.elements.kind.value);
        body.append("latitude", at.coords.latitude.toFixed(4));
        body.append("longitude", at.coords.longitude.toFixed(4));
        put("/places", { method: "POST", body: body }).then(function (html) { found.innerHTML = html; });
      }, function () { found.textContent = button.dataset.failed; }, { timeout: 10000 });
    });
  }
})();
