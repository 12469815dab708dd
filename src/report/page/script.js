(function () {
  "use strict";
  var items = Array.prototype.slice.call(document.querySelectorAll("[data-text]"));
  var search = document.getElementById("search");
  var selects = Array.prototype.slice.call(document.querySelectorAll("select[data-filter]"));
  var count = document.getElementById("count");
  function apply() {
    var words = (search ? search.value : "").toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0;
    items.forEach(function (item) {
      var text = item.getAttribute("data-text").toLowerCase();
      var fits = words.every(function (word) { return text.indexOf(word) >= 0; }) && selects.every(function (select) {
        var has = (item.getAttribute("data-" + select.getAttribute("data-filter")) || "").split(" ");
        return select.value === "" || has.indexOf(select.value) >= 0;
      });
      item.hidden = !fits;
      if (fits) { shown += 1; }
    });
    if (count) { count.textContent = shown + " / " + items.length; }
  }
  if (search) { search.addEventListener("input", apply); }
  selects.forEach(function (select) { select.addEventListener("change", apply); });
  if (items.length) { apply(); }
  document.querySelectorAll("button[data-copy]").forEach(function (button) {
    button.addEventListener("click", function () {
      var text = document.getElementById(button.getAttribute("data-copy")).textContent;
      var done = function () { button.textContent = button.getAttribute("data-done"); };
      if (navigator.clipboard && window.isSecureContext) { navigator.clipboard.writeText(text).then(done, function () { byHand(text, done); }); }
      else { byHand(text, done); }
    });
  });
  function byHand(text, done) {
    var area = document.createElement("textarea");
    area.value = text;
    document.body.appendChild(area);
    area.select();
    if (document.execCommand("copy")) { done(); }
    area.remove();
  }
  function open() {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) { return; }
    for (var at = target; at; at = at.parentElement) {
      at.hidden = false;
      if (at.tagName === "DETAILS") { at.open = true; }
    }
    var inner = target.querySelector("details");
    if (inner) { inner.open = true; }
    target.scrollIntoView();
  }
  window.addEventListener("hashchange", open);
  open();
}());
