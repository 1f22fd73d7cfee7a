// Finds services while one types, and places by where one is. Both work without it.
(function () {
  "use strict";
  var found = document.getElementById("found"), field = document.getElementById("q"), PAUSE_MS = 250;
  var count = document.getElementById("count");
  if (!found || !window.fetch) return;
  function put(address, options) {
    options = options || {};
    options.headers = { "X-Wants": "part" };
    options.credentials = "same-origin";
    return fetch(address, options).then(function (answer) { return answer.text(); });
  }
  function show(html) { // how much was found is said; the list itself is read when one gets there
    found.innerHTML = html;
    var first = found.querySelector("p");
    count.textContent = first ? first.textContent : "";
    if (first && field) first.remove();
  }
  if (field) {
    var timer = null, last = field.value;
    field.addEventListener("input", function () {
      clearTimeout(timer);
      timer = setTimeout(function () {
        var asked = last = field.value.trim();
        if (!asked) { found.innerHTML = count.textContent = ""; return; }
        put("/services?q=" + encodeURIComponent(asked)).then(function (html) {
          if (asked === last) show(html); // an older answer that came late is left out
        }).catch(function () {});
      }, PAUSE_MS);
    });
  }
  var here = document.getElementById("here"), form = document.getElementById("places");
  if (here && navigator.geolocation) {
    var button = here.querySelector("button");
    here.hidden = false;
    button.addEventListener("click", function () {
      found.innerHTML = "";
      count.textContent = button.dataset.searching;
      navigator.geolocation.getCurrentPosition(function (at) {
        var body = new URLSearchParams();
        body.append("csrf", button.dataset.csrf);
        body.append("kind", form.elements.kind.value);
        body.append("latitude", at.coords.latitude.toFixed(4));
        body.append("longitude", at.coords.longitude.toFixed(4));
        put("/places", { method: "POST", body: body }).then(show);
      }, function () { count.textContent = button.dataset.failed; }, { timeout: 10000 });
    });
  }
})();
