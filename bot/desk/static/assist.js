// Searches while the clerk types: 150 ms after the last key, only the newest answer is shown.
(function () {
  "use strict";
  var form = document.getElementById("assist"), box = document.getElementById("q"), found = document.getElementById("found"), summary = document.getElementById("summary");
  var note = document.getElementById("note"), noteText = document.getElementById("note-text");
  var warned = false;
  var PAUSE_MS = 150, timer = null, running = null, shown = query(""), noted = noteText.value === box.value, chosen = "";

  function query(pick) {
    var fields = new URLSearchParams(new FormData(form));
    if (pick) fields.set("pick", pick);
    return fields.toString();
  }
  function look(pick) {
    var asked = query(pick || chosen); // what is being read out stays until another is chosen
    clearTimeout(timer);
    if (asked === shown) return;
    if (running) running.abort();
    var mine = running = new AbortController();
    fetch("/desk/found", { method: "POST", body: new URLSearchParams(asked), headers: { "X-Wants": "part" },
      credentials: "same-origin", signal: mine.signal })
      .then(function (answer) {
        if (answer.status === 401) { location.href = "/desk/login"; return ""; }
        if (!answer.ok) throw new Error(answer.status);
        return answer.text();
      }).then(function (html) {
        if (!html || running !== mine) return;
        var focused = found.contains(document.activeElement) && document.activeElement.value;
        found.innerHTML = html;
        shown = asked;
        summary.textContent = (found.querySelector("[data-summary]") || { dataset: {} }).dataset.summary || "";
        note.elements.topic.value = (found.querySelector("[aria-current]") || {}).value || "";
        if (focused) { var again = found.querySelector('button[value="' + focused + '"]'); if (again) again.focus(); }
      }).catch(function (error) {
        if (error.name !== "AbortError") document.getElementById("told").textContent = "没有查到，正在再试";
        if (error.name !== "AbortError") timer = setTimeout(function () { shown = ""; look(pick); }, 1000);
      });
  }
  function soon() { clearTimeout(timer); timer = setTimeout(look, PAUSE_MS); }
  function choose(button) {
    if (!button) return;
    chosen = button.value;
    look(chosen);
    found.querySelectorAll("[aria-current]").forEach(function (old) { old.removeAttribute("aria-current"); });
    button.setAttribute("aria-current", "true");
  }
  function pick(number) {
    choose(found.querySelectorAll("button[name=pick]")[number - 1]);
  }

  // The words outlive a look at another page, in this tab only: they stand in no address.
  function keep() { try { sessionStorage.setItem("desk-q", box.value); } catch (full) { /* not kept then */ } }
  form.addEventListener("input", function (event) {
    keep();
    if (event.target === box && noted) noteText.value = box.value;
    if (!event.isComposing) soon();
  });
  form.addEventListener("compositionend", soon);
  noteText.addEventListener("input", function () { noted = warned = false; });
  form.addEventListener("submit", function (event) { event.preventDefault(); look(); });
  found.addEventListener("click", function (event) {
    var button = event.target.closest("button[name=pick]");
    if (!button) return;
    event.preventDefault();
    choose(button);
  });
  document.addEventListener("keydown", function (event) {
    var typing = /INPUT|TEXTAREA|SELECT/.test(event.target.tagName), digit = /^[1-5]$/.test(event.key);
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    if (digit && (event.altKey || (!typing && window.deskKeys()))) { event.preventDefault(); pick(Number(event.key)); return; }
    if (event.altKey) return;
    if (event.key !== "Escape" && !window.deskKeys()) return;
    if (event.key === "/" && !typing) { event.preventDefault(); box.focus(); box.select(); return; }
    if (event.key === "b" && !typing) { var more = found.querySelector('[data-key="b"]'); if (more) more.click(); return; }
    if (event.key !== "Escape") return;
    if (typing) { event.target.blur(); return; }
    if (!noted && noteText.value.trim() && !warned) { // a note half written is not wiped by the way
      warned = true;
      document.getElementById("note-warning").hidden = false;
      return;
    }
    if (form.elements.ticket) { location.href = "/desk"; try { sessionStorage.removeItem("desk-q"); } catch (none) { /* same */ } return; }
    warned = false; chosen = "";
    document.getElementById("note-warning").hidden = true;
    note.elements.topic.value = ""; note.elements.disposition.value = "";
    form.querySelectorAll("input:not([type=hidden]), select").forEach(function (field) { field.value = ""; });
    if (running) running.abort();
    noted = true; noteText.value = ""; found.innerHTML = ""; summary.textContent = ""; shown = query(""); keep();
    history.replaceState(null, "", "/desk");
    box.focus();
  });
  note.addEventListener("submit", function () { try { sessionStorage.removeItem("desk-q"); } catch (none) { /* same */ } });
  try {
    if (!box.value && !/done=noted/.test(location.search)) box.value = noteText.value = sessionStorage.getItem("desk-q") || "";
  } catch (none) { /* same */ }
  if (box.value && !found.querySelector("[name=pick]")) look(new URLSearchParams(location.search).get("pick"));
  if (!box.value) box.focus();
})();
