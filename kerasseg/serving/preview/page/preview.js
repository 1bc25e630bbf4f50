import { readMask } from "./mask_png.js";
import { findSignature, findVersions, segment } from "./server.js";

const byId = (id) => document.getElementById(id);
const settings = await (await fetch("preview.json")).json();
const own = `${location.origin}/v1/models/${encodeURIComponent(settings.model)}`;
const connection = { address: own, signature: null, version: null };
const shown = { image: null, colours: null };
let running = new AbortController();
// From here on a pixel is large enough to be seen as one, and smoothing would only blur it.
const ENLARGED = 4;

byId("address").value = own;
byId("connection").addEventListener("submit", (event) => {
  event.preventDefault();
  connect(byId("address").value);
});
byId("file").addEventListener("change", ({ target }) => {
  if (target.files.length) show(target.files[0]);
  target.value = "";
});
byId("opacity").addEventListener("input", draw);
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  // On the whole page, where a picture that misses its place would open in place of it.
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    byId("drop").classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) show(event.dataTransfer.files[0]);
  });
}
document.addEventListener("paste", ({ clipboardData }) => {
  if (clipboardData.files.length) show(clipboardData.files[0]);
});
new ResizeObserver(([{ target }]) => {
  const scale = Math.min(target.clientWidth / target.width, target.clientHeight / target.height);
  target.classList.toggle("enlarged", scale >= ENLARGED);
}).observe(byId("canvas"));
await connect(own);

async function connect(given) {
  const address = given.trim().replace(/\/+$/, "").replace(/:predict$/, "");
  const status = byId("status");
  status.className = "busy";
  status.textContent = "…";
  try {
    const [versions, signature] = [await findVersions(address), await findSignature(address)];
    Object.assign(connection, { address, signature, version: versions[0] });
    status.className = "good";
    status.textContent = `version ${versions[0]}, signature ${signature}`;
    byId("model").textContent = nameIn(address);
    document.title = `Preview of ${nameIn(address)}`;
  } catch (error) {
    Object.assign(connection, { address, signature: null, version: null });
    status.className = "bad";
    status.textContent = error.message;
  }
}

function nameIn(address) {
  return decodeURIComponent(/\/v1\/models\/([^/:]+)/i.exec(address)?.[1] ?? address);
}

async function show(file) {
  running.abort();
  const mine = (running = new AbortController());
  const drop = byId("drop");
  drop.classList.add("busy");
  drop.setAttribute("aria-busy", "true");
  say("");
  try {
    if (!connection.signature) await connect(connection.address);
    if (!connection.signature) throw new Error(byId("status").textContent);
    const found = await foundIn(file, mine.signal);
    // Another picture came meanwhile.
    if (mine.signal.aborted) return;
    Object.assign(shown, found);
    draw();
    describe();
  } catch (error) {
    if (!mine.signal.aborted) say(error.message);
  } finally {
    if (!mine.signal.aborted) {
      drop.classList.remove("busy");
      drop.removeAttribute("aria-busy");
    }
  }
}

async function foundIn(file, signal) {
  const { address, signature } = connection;
  const most = address.startsWith(own) ? settings.max_request_bytes : 0;
  const began = performance.now();
  const answer = await segment(address, signature, file, most, signal);
  const seconds = (performance.now() - began) / 1000;
  const mask = await readMask(answer.mask);
  const image = await createImageBitmap(file);
  if (image.width !== mask.width || image.height !== mask.height) {
    throw new Error(
      `the mask has ${mask.width}x${mask.height} pixels, the picture ${image.width}x${image.height}`,
    );
  }
  const classes = classesOf(answer.shares.length);
  return { image, mask, seconds, classes, answer, colours: coloured(mask, classes) };
}

// The classes of the model that this page came with; a server elsewhere does not tell its own.
function classesOf(count) {
  const known = nameIn(connection.address) === settings.model ? settings.classes : {};
  const labels = known[versionAsked()] ?? {};
  const fits = labels.class_names?.length === count;
  return Array.from({ length: count }, (_, id) => ({
    id,
    name: fits ? labels.class_names[id] : `class ${id}`,
    colour: fits ? labels.palette[id] : defaultColour(id + 1),
  }));
}

function versionAsked() {
  return /\/versions\/(\d+)/i.exec(connection.address)?.[1] ?? connection.version;
}

// PASCAL VOC's map: the bits of the number are dealt in turn to red, green and blue.
function defaultColour(number) {
  const colour = [0, 0, 0];
  for (let bit = 0; bit < 24; bit++) {
    colour[bit % 3] |= ((number >> bit) & 1) << (7 - Math.floor(bit / 3));
  }
  return colour;
}

function coloured({ width, height, ids }, classes) {
  const { data } = new ImageData(width, height);
  for (let place = 0; place < ids.length; place++) {
    const found = classes[ids[place]];
    // What is no class, void, stays clear.
    if (!found) continue;
    [data[4 * place], data[4 * place + 1], data[4 * place + 2]] = found.colour;
    data[4 * place + 3] = 255;
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
  return canvas;
}

function draw() {
  const opacity = byId("opacity").value / 100;
  byId("opacity-shown").textContent = `${byId("opacity").value} %`;
  if (!shown.image) return;
  const canvas = byId("canvas");
  Object.assign(canvas, { width: shown.image.width, height: shown.image.height, hidden: false });
  byId("hint").hidden = true;
  const context = canvas.getContext("2d");
  context.drawImage(shown.image, 0, 0);
  context.globalAlpha = opacity;
  context.drawImage(shown.colours, 0, 0);
}

function describe() {
  const { answer, classes, mask, seconds } = shown;
  const present = classes.filter(({ id }) => answer.shares[id] > 0);
  present.sort((one, other) => answer.shares[other.id] - answer.shares[one.id]);
  byId("legend").hidden = false;
  byId("legend").tBodies[0].replaceChildren(...present.map((each) => row(each, answer.shares)));
  const told = present.map(({ id, name }) => `${name} ${percent(answer.shares[id])}`);
  byId("canvas").setAttribute("aria-label", `The picture under its classes: ${told.join(", ")}`);
  const absent = classes.length - present.length;
  byId("facts").textContent =
    `${mask.width}x${mask.height} pixels, mean confidence ${percent(answer.confidence)}, ` +
    `answered in ${seconds.toFixed(2)} s` + (absent ? `; classes that are not in it: ${absent}` : "");
  const link = byId("mask");
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([answer.mask], { type: "image/png" }));
  link.hidden = false;
}

function row({ id, name, colour }, shares) {
  const line = document.createElement("tr");
  line.dataset.class = id;
  const chip = document.createElement("span");
  chip.className = "chip";
  chip.style.background = `rgb(${colour.join(",")})`;
  const [label, share] = [line.insertCell(), line.insertCell()];
  label.append(chip, name);
  share.textContent = percent(shares[id]);
  return line;
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function say(message) {
  byId("error").textContent = message;
  byId("error").hidden = !message;
}
