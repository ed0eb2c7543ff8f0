"use strict";
// Points in space that a pointer or the arrow keys turn. One WebGL context draws for all canvases, as a browser gives
// few; where there is none, the points are projected here and drawn flat.
const SHADER = `
attribute vec3 place; uniform vec4 turn; uniform float size; varying float near;
void main() {
  vec3 p = place * 2.0 - 1.0;
  p = vec3(turn.x * p.x - turn.y * p.y, turn.y * p.x + turn.x * p.y, p.z);
  vec3 q = vec3(p.x, turn.z * p.z - turn.w * p.y, turn.w * p.z + turn.z * p.y);
  float depth = 3.2 + q.z;
  near = clamp(0.5 - 0.5 * q.z, 0.0, 1.0);
  gl_Position = vec4(q.x * 1.9, q.y * 1.9, 0.0, depth);
  gl_PointSize = size * 3.2 / depth;
}`;
const COLOUR = `
precision mediump float; uniform vec3 colour; varying float near;
void main() {
  if (length(gl_PointCoord - 0.5) > 0.5) discard;
  float alpha = 0.35 + 0.65 * near;
  gl_FragColor = vec4(colour * alpha, alpha);
}`;

function painter() {
  const canvas = document.createElement("canvas");
  const gl = canvas.getContext("webgl", { alpha: true, antialias: true, preserveDrawingBuffer: true });
  if (!gl) return null;
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, SHADER], [gl.FRAGMENT_SHADER, COLOUR]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  const place = gl.getAttribLocation(program, "place"), of = name => gl.getUniformLocation(program, name);
  const turn = of("turn"), size = of("size"), colour = of("colour");
  gl.enableVertexAttribArray(place);
  gl.vertexAttribPointer(place, 3, gl.UNSIGNED_BYTE, true, 0, 0);
  return (points, side, angles, dot, rgb) => {
    canvas.width = canvas.height = side;
    gl.viewport(0, 0, side, side);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.bufferData(gl.ARRAY_BUFFER, points, gl.STREAM_DRAW);
    gl.uniform4f(turn, ...angles);
    gl.uniform1f(size, dot);
    gl.uniform3f(colour, ...rgb);
    gl.drawArrays(gl.POINTS, 0, points.length / 3);
    return canvas;
  };
}

function flat(pen, points, side, [cy, sy, cp, sp], dot, rgb) {
  pen.fillStyle = "rgb(" + rgb.map(each => Math.round(255 * each)).join(" ") + ")";
  for (let i = 0; i < points.length; i += 3) {
    const [a, b, c] = [0, 1, 2].map(k => points[i + k] / 127.5 - 1);
    const x = cy * a - sy * b, y = sy * a + cy * b, depth = 3.2 + sp * c + cp * y;
    pen.globalAlpha = 0.4;
    pen.fillRect(side / 2 * (1 + 1.9 * x / depth), side / 2 * (1 - 1.9 * (cp * c - sp * y) / depth), dot, dot);
  }
}

function showCloud(canvas, paint) {
  const points = Uint8Array.from(atob(canvas.dataset.points), each => each.charCodeAt(0));
  let yaw = 0.6, pitch = -0.35, held = null;
  const draw = () => {
    const ratio = Math.min(2, window.devicePixelRatio || 1), side = Math.max(1, Math.round(canvas.clientWidth * ratio));
    const rgb = getComputedStyle(canvas).color.match(/[\d.]+/g).slice(0, 3).map(each => each / 255);
    const angles = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)], dot = Math.max(2, side / 60);
    canvas.width = canvas.height = side;
    const pen = canvas.getContext("2d");
    if (paint) pen.drawImage(paint(points, side, angles, dot, rgb), 0, 0); else flat(pen, points, side, angles, dot, rgb);
  };
  const turn = (across, down) => {
    yaw += across;
    pitch = Math.max(-1.5, Math.min(1.5, pitch + down));
    draw();
  };
  canvas.addEventListener("pointerdown", event => { held = [event.clientX, event.clientY]; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", event => {
    if (!held) return;
    turn((event.clientX - held[0]) / 80, (event.clientY - held[1]) / 80);
    held = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { held = null; });
  canvas.addEventListener("keydown", event => {
    const step = { ArrowLeft: [-0.2, 0], ArrowRight: [0.2, 0], ArrowUp: [0, -0.2], ArrowDown: [0, 0.2] }[event.key];
    if (!step) return;
    event.preventDefault();
    turn(...step);
  });
  return draw;
}
