(() => {
  "use strict";
  // The dots of a layer are kept as heights and places in the figure's list of quantities; here they become circles, which say
  // to which curve they belong where it can be hidden.
  const RADIUS = 3.4;
  for (const group of document.querySelectorAll("[data-quantities]")) {
    const quantities = group.dataset.quantities.split(" ");
    const controls = [...group.closest("svg").querySelectorAll("g[data-control]")].map((element) => element.dataset.control);
    for (const layer of group.querySelectorAll("[data-dots]")) {
      const x = layer.querySelector(".guide").getAttribute("x1");
      for (const dot of layer.dataset.dots.split(" ")) {
        const [y, place] = dot.split(":");
        const circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
        for (const [name, value] of Object.entries({ class: "dot", cx: x, cy: y, r: RADIUS })) circle.setAttribute(name, value);
        const quantity = quantities[place];
        const control = controls.find((name) => quantity.endsWith("_" + name));
        const scale = /^gride_(\d+)$/.exec(quantity);
        circle.dataset.quantity = quantity;
        if (control) circle.dataset.control = control;
        if (scale) circle.dataset.scale = scale[1];
        layer.append(circle);
      }
    }
  }
})();
