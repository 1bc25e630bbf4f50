// Asks a server with TensorFlow Serving's REST interface.

// Gives the name of the signature that takes image files and gives masks.
export async function findSignature(address) {
  const { metadata } = await asked(`${address}/metadata`);
  const signatures = metadata.signature_def.signature_def;
  const fitting = Object.keys(signatures).find((name) => {
    const { inputs, outputs } = signatures[name];
    return inputs.image_bytes && outputs.mask_bytes && outputs.class_shares;
  });
  if (!fitting) throw new Error("this model has no signature that takes images and gives masks");
  return fitting;
}

// Gives the versions that can be asked, the newest first.
export async function findVersions(address) {
  const { model_version_status: versions } = await asked(address);
  return versions
    .filter(({ state }) => state === "AVAILABLE")
    .map(({ version }) => version)
    .sort((one, other) => Number(other) - Number(one));
}

export async function segment(address, signature, file, maxBytes, signal) {
  const body = JSON.stringify({
    signature_name: signature,
    instances: [{ image_bytes: { b64: await base64(file) } }],
  });
  if (maxBytes && body.length > maxBytes) {
    throw new Error(
      `the picture makes a request of ${body.length} bytes; this server takes ${maxBytes}`,
    );
  }
  // A plain text, for which no browser asks the server's leave first: not every server knows
  // OPTIONS, and none of them looks at the type.
  const headers = { "Content-Type": "text/plain" };
  const { predictions } = await asked(`${address}:predict`, { method: "POST", headers, body, signal });
  const { error, mask_bytes: mask, confidence, class_shares: shares } = predictions[0];
  if (error) throw new Error(error);
  return { mask: bytesOf(mask.b64), confidence, shares };
}

async function asked(address, options = {}) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    const elsewhere = new URL(address).origin !== location.origin;
    const cors = " Does it allow pages of other origins (--rest_api_enable_cors_support)?";
    throw new Error(`no answer from ${address}: is the server running?${elsewhere ? cors : ""}`);
  }
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`${address} answered ${response.status} and no JSON`);
  }
  if (!response.ok) throw new Error(`${response.status}: ${answer.error ?? text}`);
  return answer;
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error("the picture cannot be read"));
    reader.readAsDataURL(file);
  });
}

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
