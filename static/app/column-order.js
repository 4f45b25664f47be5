// A list of columns whose order is the order of the table: up and down by buttons, so also by keyboard.
customElements.define("column-order", class extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const button = event.target.closest("[data-up], [data-down]"), item = button?.closest("li");
      if (!item) return;
      const other = "up" in button.dataset ? item.previousElementSibling : item.nextElementSibling;
      if (!other) return;
      if ("up" in button.dataset) other.before(item); else other.after(item);
      button.focus();
    });
  }
});
