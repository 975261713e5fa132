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
// A pair of pictures, pressed, is shown as large as the window.
const dialog = document.querySelector("dialog");
for (const pair of document.querySelectorAll("[data-enlarge]")) {
  pair.addEventListener("click", () => {
    const images = [...pair.querySelectorAll("img")].map((image) => image.cloneNode());
    for (const image of images) image.loading = "eager";
    const texts = images.map((image) => Object.assign(document.createElement("p"), {textContent: image.alt}));
    dialog.querySelector(".large").replaceChildren(...images.flatMap((image, i) => [image, texts[i]]));
    dialog.showModal();
  });
}
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
// What a link leads to is opened; on paper everything is.
const closed = () => document.querySelectorAll("details:not([open])");
const reveal = () => {
  const target = document.getElementById(location.hash.slice(1));
  for (const details of closed()) details.open = target !== null && details.contains(target);
};
addEventListener("hashchange", reveal);
reveal();
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...closed()];
  for (const details of opened) details.open = true;
  for (const image of document.images) image.loading = "eager";
});
addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
});
// The link of the section that is being read is marked.
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const seen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      for (const link of links.values()) link.removeAttribute("aria-current");
      const current = links.get(entry.target.id);
      current.setAttribute("aria-current", "true");
      current.parentElement.scrollLeft = current.offsetLeft - current.parentElement.clientWidth / 2;
    }
  },
  {rootMargin: "-20% 0px -75% 0px"},
);
for (const section of document.querySelectorAll("section[id]")) seen.observe(section);
