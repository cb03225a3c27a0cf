// What replay.py has sent, as numbers.

/**
 * What a training went through, a frame for each step that was kept: { step, loss, right, chances,
 * filters }. curve: [step, loss, right] each; chances: float32 bytes; filters: as packed.
 */
export function framesOf(curve, classes, chances, filters) {
  const numbers = new Float32Array(chances.slice().buffer);
  const size = filters.length / curve.length;
  return curve.map(([step, loss, right], i) => ({
    step, loss, right,
    chances: Array.from(numbers.subarray(i * classes, (i + 1) * classes)),
    filters: unpacked(filters.subarray(i * size, (i + 1) * size)),
  }));
}

/** What replay.py has packed: the largest size as float32, and a signed byte for each value. */
export function unpacked(content) {
  const data = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const unit = data.getFloat32(0, true) / 127;
  return Float32Array.from({ length: content.length - 4 }, (_, i) => unit * data.getInt8(4 + i));
}
