// Reads a mask as class ids. Not by way of a canvas, which rounds 16 bits to 8, and whose values a
// browser may change for the screen's colours or against being recognised by them.
const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const GREY = 0;

// Takes the bytes of a grey PNG of 8 or 16 bits; gives width, height and one id a pixel.
export async function readMask(bytes) {
  if (!SIGNATURE.every((byte, place) => bytes[place] === byte)) {
    throw new Error("the mask is no PNG");
  }
  const { header, data } = chunks(bytes);
  const [width, height] = [header.getUint32(0), header.getUint32(4)];
  const [bits, colour, interlaced] = [header.getUint8(8), header.getUint8(9), header.getUint8(12)];
  if (colour !== GREY || (bits !== 8 && bits !== 16) || interlaced) {
    throw new Error("the mask is no grey PNG of 8 or 16 bits");
  }
  const rows = unfiltered(await inflated(data), width, height, bits / 8);
  return { width, height, ids: bits === 8 ? rows : words(rows) };
}

function chunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = [];
  let header = null;
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR") header = new DataView(body.buffer, body.byteOffset, length);
    if (kind === "IDAT") data.push(body);
    at += 12 + length;
  }
  if (!header) throw new Error("the mask has no header");
  return { header, data };
}

async function inflated(parts) {
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// PNG's filters, ISO/IEC 15948, 9.2: each byte is stored less what its neighbours let expect.
function unfiltered(stored, width, height, pixel) {
  const stride = width * pixel;
  if (stored.length !== (stride + 1) * height) throw new Error("the mask ends too early");
  const rows = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const expect = FILTERS[stored[y * (stride + 1)]];
    if (!expect) throw new Error("the mask has a filter that PNG does not know");
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x < pixel ? 0 : rows[at - pixel];
      const up = y ? rows[at - stride] : 0;
      const corner = y && x >= pixel ? rows[at - stride - pixel] : 0;
      rows[at] = stored[y * (stride + 1) + 1 + x] + expect(left, up, corner);
    }
  }
  return rows;
}

const FILTERS = [
  () => 0,
  (left) => left,
  (left, up) => up,
  (left, up) => (left + up) >> 1,
  paeth,
];

function paeth(left, up, corner) {
  const [byLeft, byUp, byCorner] = [left, up, corner].map((n) => Math.abs(left + up - corner - n));
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}

function words(bytes) {
  const ids = new Uint16Array(bytes.length / 2);
  for (let at = 0; at < ids.length; at++) ids[at] = bytes[2 * at] * 256 + bytes[2 * at + 1];
  return ids;
}
