// A chip puts its placeholder where the cursor is in the text of its layer.
let last = null;
document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("textarea, input[name=subject]")) last = event.target;
});
document.addEventListener("click", (event) => {
  const chip = event.target.closest?.("[data-insert]");
  if (!chip) return;
  const form = chip.closest("form");
  const field = last && form.contains(last) ? last : form.querySelector("textarea");
  field.setRangeText(chip.dataset.insert, field.selectionStart, field.selectionEnd, "end");
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
});
