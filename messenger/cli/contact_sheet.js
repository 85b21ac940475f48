"use strict";
document.documentElement.classList.add("has-script");
const sections = [...document.querySelectorAll(".texts section")];
const rows = new Map([...document.querySelectorAll("tbody tr")].map((row) => [row.dataset.name, row]));
const find = document.getElementById("find");

function filter() {
  const wanted = find.value.trim().toLowerCase();
  let shown = 0;
  for (const section of sections) {
    const subjects = [...section.querySelectorAll(".what strong")].map((one) => one.textContent);
    const fits = [section.dataset.name, ...subjects].some((text) => text.toLowerCase().includes(wanted));
    section.hidden = rows.get(section.dataset.name).hidden = !fits;
    shown += fits;
  }
  document.getElementById("nothing").hidden = shown > 0;
}

/* The second width needs a second frame; it is made when somebody asks for it. */
function both() {
  if (!document.getElementById("w-both").checked) return;
  for (const views of document.querySelectorAll(".card[open] .views:not(:has(.second))")) {
    const second = views.querySelector("iframe").cloneNode(true);
    second.className = "second";
    views.append(second);
  }
}

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
  if (target) target.scrollIntoView();
}

find.addEventListener("input", filter);
document.addEventListener("toggle", both, true);
document.querySelector(".tools").addEventListener("change", both);
document.querySelector(".tools").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("open").addEventListener("click", (event) => {
  const cards = [...document.querySelectorAll("details.card")].filter((card) => card.checkVisibility());
  const open = !cards.every((card) => card.open);
  for (const card of cards) card.open = open;
  event.target.textContent = open ? "Close all" : "Open all";
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !(event.target instanceof HTMLInputElement && event.target.type === "search")) {
    event.preventDefault();
    find.focus();
  }
});
window.addEventListener("hashchange", reveal);
if (location.hash) reveal();
