// The talk live; Enter sends. What is being typed stays, whatever comes in, and nothing typed is lost.
(function () {
  "use strict";
  var talk = document.getElementById("talk"), say = document.getElementById("say"), form = document.getElementById("write");
  var list = talk.querySelector("ol"), sending = null;
  function down() { talk.scrollTop = talk.scrollHeight; }
  function seen() {
    document.querySelectorAll("input[name=seen]").forEach(function (field) { field.value = list.dataset.last || ""; });
  }
  down(); seen();

  // Only new lines are added: a screen reader reads each once. States of old lines are changed in place.
  function take(html) {
    var box = document.createElement("div");
    box.innerHTML = html;
    var fresh = box.querySelector("ol"), low = talk.scrollTop + talk.clientHeight > talk.scrollHeight - 40;
    Array.prototype.forEach.call(fresh.children, function (line, number) {
      var old = list.children[number];
      if (!old) list.appendChild(line.cloneNode(true));
      else if (old.innerHTML !== line.innerHTML) old.innerHTML = line.innerHTML;
    });
    list.dataset.last = fresh.dataset.last;
    document.getElementById("phone").innerHTML = box.querySelector("[data-phone]").innerHTML;
    if (low) down();
    seen();
  }
  window.deskListen(talk.dataset.events, "talk", take);

  if (!form || !say) return;
  var place = "desk:" + location.pathname;
  try { if (!say.value) say.value = sessionStorage.getItem(place) || ""; } catch (none) { /* not kept then */ }
  function keep() { try { sessionStorage.setItem(place, say.value); } catch (none) { /* same */ } }
  function newKey() {
    var bytes = new Uint8Array(16);
    crypto.getRandomValues(bytes);
    return Array.prototype.map.call(bytes, function (b) { return ("0" + b.toString(16)).slice(-2); }).join("");
  }
  function problem(words) {
    var line = document.getElementById("not-sent");
    if (!line) {
      line = document.createElement("p");
      line.id = "not-sent"; line.className = "problem"; line.setAttribute("role", "alert");
      form.before(line);
    }
    line.textContent = words;
  }
  say.addEventListener("input", keep);
  say.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    var text = say.value.trim();
    if (!text || sending) return;
    // The same words after a failure have the same key: had they arrived after all, they are not sent twice.
    if (form.dataset.text !== text) { form.elements.key.value = newKey(); form.dataset.text = text; }
    var body = new URLSearchParams(new FormData(form));
    body.set("act", "write");
    sending = fetch(form.action, { method: "POST", body: body, credentials: "same-origin", headers: { "X-Wants": "part" } })
      .then(function (answer) {
        if (answer.status === 401) problem("没有发出：登录过期了。请在新窗口登录，回来再按“发给对方”，字还在。");
        else if (answer.status === 409) problem("没有发出：这位现在不在您手上，可能已经回到排队，或者别的同事接了。字还在。");
        else if (answer.status !== 204) throw new Error(answer.status);
        else {
          if (say.value.trim() === text) say.value = "";
          else if (say.value.indexOf(text) === 0) say.value = say.value.slice(text.length).trim(); // typed on meanwhile
          form.dataset.text = "";
          keep();
          var line = document.getElementById("not-sent");
          if (line) line.remove();
        }
      }).catch(function () {
        problem("没有发出，网络断了。写的话还在，请再按一次。");
      }).then(function () { sending = null; });
  });
  say.focus({ preventScroll: true });
})();
