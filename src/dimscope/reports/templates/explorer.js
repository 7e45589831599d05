(() => {
  "use strict";
  const source = document.getElementById("explorer-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const $ = (id) => document.getElementById(id);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const near = new DataView(bytes(data.near).buffer);
  const kept = bytes(data.kept);
  const agreeing = bytes(data.agreeing);
  const columns = [...document.querySelectorAll("#columns > li")];
  const LISTED = 40;
  const COLORS = 7;
  const all = [...Array(data.n_chosen).keys()];
  const folded = all.map((place) => [data.ids[place], data.texts[place], label(place)].join("\n").toLowerCase());
  let order = data.changing.length ? "changing" : "sample";
  let chosen = -1;

  function label(place) {
    return data.labels.length ? data.names[data.labels[place]] : "";
  }
  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text; // never as markup
    return element;
  }
  function picture(place) {
    const element = make("img", "picture");
    element.alt = ""; // its name or label stands beside it
    element.src = data.pictures[place];
    return element;
  }
  function chip(place, own) {
    const element = make("span", "chip", label(place));
    element.dir = "auto";
    element.style.setProperty("--of-label", `var(--series-${data.labels[place] % COLORS})`);
    if (own !== undefined && data.labels[place] === data.labels[own]) element.classList.add("same");
    return element;
  }
  function card(place, own) {
    const element = make("li", "near");
    const inside = place < data.n_chosen ? make("button", "go") : make("div", "go");
    inside.dataset.example = place;
    if (place < data.n_chosen) inside.type = "button";
    if (data.pictures[place]) inside.append(picture(place));
    if (data.labels.length) inside.append(chip(place, own), " ");
    const words = make("span", "words", data.pictures[place] ? data.ids[place] : data.texts[place] || data.ids[place]);
    words.dir = "auto";
    inside.append(words);
    element.append(inside);
    return element;
  }
  function shares(place, layer) {
    const at = place * columns.length + layer;
    const parts = [];
    if (agreeing[at] !== 255) parts.push(`${agreeing[at]}% of ${data.k} share its label`);
    if (kept[at] !== 255) parts.push(`${kept[at]}% stay in the next layer`);
    return parts.join("; ") || "no neighbours to compare";
  }
  function choose(place) {
    chosen = place;
    const box = $("chosen");
    const words = make("p", "words", data.texts[place] || data.ids[place]);
    words.dir = "auto";
    const head = make("p", "about");
    if (data.labels.length) head.append(chip(place), " ");
    const id = make("span", "name", data.ids[place]);
    id.dir = "auto";
    head.append(id);
    const isNamed = data.pictures[place] && (!data.texts[place] || data.texts[place] === data.ids[place]);
    box.replaceChildren(head, ...(data.pictures[place] ? [picture(place)] : []), ...(isNamed ? [] : [words]));
    columns.forEach((column, layer) => {
      column.querySelector(".shares").textContent = shares(place, layer);
      const fraction = agreeing[place * columns.length + layer];
      column.querySelector(".meter span").style.width = (fraction === 255 ? 0 : fraction) + "%";
      const list = [];
      for (let rank = 0; rank < data.shown; rank++) {
        const other = near.getUint16(2 * ((place * columns.length + layer) * data.shown + rank), true);
        if (other !== 65535) list.push(card(other, place));
      }
      column.querySelector("ol").replaceChildren(...list);
    });
    for (const button of $("matches").querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.example) === place));
    }
  }
  function find() {
    const wanted = $("search").value.trim().toLowerCase();
    const base = wanted || order === "sample" ? all : data[order];
    const found = wanted ? base.filter((place) => folded[place].includes(wanted)) : base;
    const listed = found.slice(0, LISTED);
    const more = found.length > listed.length ? `, the first ${listed.length} listed` : "";
    $("found").textContent = `${found.length} example${found.length === 1 ? "" : "s"}${more}`;
    $("matches").replaceChildren(
      ...listed.map((place) => {
        const item = card(place);
        item.firstChild.setAttribute("aria-pressed", String(place === chosen));
        return item;
      })
    );
    for (const button of document.querySelectorAll("[data-order]")) {
      button.setAttribute("aria-pressed", String(!wanted && button.dataset.order === order));
    }
    return listed;
  }

  // The same neighbour is marked in every layer where it appears.
  function markAgain(event) {
    const card = event.target.closest("#columns .go");
    for (const other of document.querySelectorAll("#columns .go")) {
      other.classList.toggle("again", Boolean(card) && other.dataset.example === card.dataset.example);
    }
  }

  $("search").addEventListener("input", find);
  $("explorer").addEventListener("pointerover", markAgain);
  $("explorer").addEventListener("focusin", markAgain);
  $("explorer").addEventListener("click", (event) => {
    const button = event.target.closest("[data-order]");
    if (button) {
      order = button.dataset.order;
      $("search").value = "";
      const listed = find();
      if (listed.length) choose(listed[0]);
      return;
    }
    const example = event.target.closest("button[data-example]");
    if (!example) return;
    event.stopPropagation(); // a neighbour was chosen, not its layer
    choose(Number(example.dataset.example));
    if (!example.isConnected) {
      $("chosen").focus({ preventScroll: true });
      $("chosen").scrollIntoView({ block: "nearest" });
    }
  });
  document.addEventListener("dimscope:pin", (event) => {
    const column = columns.find((element) => element.dataset.layer === event.detail);
    if (column) $("columns").parentElement.scrollLeft = column.offsetLeft - 16;
  });
  $("explorer").hidden = false;
  $("without-script").remove();
  const first = find();
  if (first.length) choose(first[0]);
})();
