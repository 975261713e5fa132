"use strict";
// Each gallery shows the figures that every one of its filters lets through, in the order asked for.
for (const gallery of document.querySelectorAll("[data-gallery]")) {
  const form = gallery.querySelector("form");
  const grid = gallery.querySelector(".pictures");
  const figures = [...grid.children];
  const buttons = [...form.querySelectorAll("button")];
  const update = () => {
    const pick = buttons.find((button) => button.ariaPressed === "true").value;
    const passes = (figure) =>
      (!pick || figure.dataset.pick === pick) &&
      ["categories", "subsets", "errors"].every((name) => {
        const wanted = form.elements[name].value;
        return !wanted || figure.dataset[name].split("|").includes(wanted);
      });
    for (const figure of figures) figure.hidden = !passes(figure);
    const order = Number(form.elements.order.value);
    const ranked = [...figures].sort((a, b) => order * (a.dataset.quality - b.dataset.quality));
    grid.append(...ranked);
    const shown = figures.filter((figure) => !figure.hidden).length;
    form.querySelector("output").textContent = `${shown} shown`;
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const other of buttons) other.ariaPressed = String(other === button);
      update();
    });
  }
  form.addEventListener("change", update);
  form.addEventListener("submit", (event) => event.preventDefault());
}
