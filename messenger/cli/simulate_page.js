(() => {
  "use strict";
  const orders = [...document.querySelectorAll("details.order")];
  const box = document.querySelector(".find input");
  const told = document.querySelector(".find output");
  const nothing = document.getElementById("nothing");
  if (!orders.length) return;
  box.parentElement.hidden = false;
  const look = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const order of orders) {
      const fits = words.every((word) => order.dataset.find.includes(word));
      order.hidden = !fits;
      if (fits) shown += 1;
    }
    nothing.hidden = shown > 0;
    told.textContent = told.dataset.found.replace("{shown}", shown.toLocaleString()).replace("{all}", orders.length.toLocaleString());
  };
  let waiting;
  box.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(look, 120); });
  look();
  // On paper nothing can be unfolded: print what is found, as far as that is a reasonable number of pages.
  let opened = [];
  addEventListener("beforeprint", () => {
    const found = orders.filter((order) => !order.hidden && !order.open);
    opened = found.length <= 300 ? found : [];
    for (const order of opened) order.open = true;
  });
  addEventListener("afterprint", () => { for (const order of opened) order.open = false; });
})();
