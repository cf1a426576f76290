"""A sheet to draw a digit on, by mouse, pen or finger: no native element does that."""

from typing import Any

import streamlit as st

from mnistnet.data.handwriting import Stroke, strokes
from mnistnet.errors import MnistnetError
from mnistnet.ui import session

_HTML = """
<div class="sheet">
  <canvas width="560" height="560" role="img"
    aria-label="Sheet to draw a digit on. With the keyboard, choose a test digit or upload a picture instead."></canvas>
  <div class="tools">
    <button type="button" class="undo">Undo</button>
    <button type="button" class="clear">Clear</button>
  </div>
</div>
"""

_CSS = """
.sheet { display: inline-flex; flex-direction: column; gap: 0.5rem; max-width: 100%; }
canvas {
  width: 280px; max-width: 100%; aspect-ratio: 1; background: #000; cursor: crosshair; touch-action: none;
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius);
}
.tools { display: flex; gap: 0.5rem; }
button {
  font: inherit; color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, 0.5rem);
  padding: 0.25rem 0.75rem; min-height: 2.25rem; cursor: pointer;
}
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
button:disabled { opacity: 0.5; cursor: default; }
"""

# Strokes are held here and told to Python when one ends. What Python knows is taken over only when the sheet
# appears: an answer that is on its way while the next stroke is drawn must not wipe it.
_JS = """
const sheets = new WeakMap()

export default function (component) {
  const { data, parentElement, setStateValue } = component
  const canvas = parentElement.querySelector("canvas")
  const undo = parentElement.querySelector(".undo")
  const clear = parentElement.querySelector(".clear")
  const pen = canvas.getContext("2d")
  if (!sheets.has(parentElement)) {
    sheets.set(parentElement, { strokes: data.strokes || [], current: null })
  }
  const sheet = sheets.get(parentElement)

  const paint = () => {
    pen.fillStyle = "#000"
    pen.fillRect(0, 0, canvas.width, canvas.height)
    pen.strokeStyle = pen.fillStyle = "#fff"
    pen.lineWidth = data.pen * canvas.width
    pen.lineCap = pen.lineJoin = "round"
    for (const stroke of [...sheet.strokes, ...(sheet.current ? [sheet.current] : [])]) {
      pen.beginPath()
      stroke.forEach(([x, y], place) =>
        place ? pen.lineTo(x * canvas.width, y * canvas.height) : pen.moveTo(x * canvas.width, y * canvas.height))
      if (stroke.length === 1) pen.lineTo(stroke[0][0] * canvas.width + 0.1, stroke[0][1] * canvas.height)
      pen.stroke()
    }
    undo.disabled = clear.disabled = !sheet.strokes.length
  }
  const told = () => { paint(); setStateValue("strokes", sheet.strokes) }
  const place = event => {
    const box = canvas.getBoundingClientRect()
    const within = (value, start, length) => Math.round(Math.min(1, Math.max(0, (value - start) / length)) * 1e3) / 1e3
    return [within(event.clientX, box.left, box.width), within(event.clientY, box.top, box.height)]
  }

  canvas.onpointerdown = event => {
    if (event.button || sheet.current) return
    event.preventDefault()
    canvas.setPointerCapture(event.pointerId)
    sheet.current = [place(event)]
    paint()
  }
  canvas.onpointermove = event => {
    if (!sheet.current) return
    const events = event.getCoalescedEvents?.() || []
    for (const one of events.length ? events : [event]) sheet.current.push(place(one))
    paint()
  }
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (!sheet.current) return
    sheet.strokes = [...sheet.strokes, sheet.current]
    sheet.current = null
    told()
  }
  undo.onclick = () => { sheet.strokes = sheet.strokes.slice(0, -1); told() }
  clear.onclick = () => { sheet.strokes = []; told() }
  paint()
}
"""

_component = st.components.v2.component("mnistnet_canvas", html=_HTML, css=_CSS, js=_JS)
_KEY, _KEPT = "canvas", "_strokes"


def canvas(pen: float) -> tuple[Stroke, ...]:
    """The strokes drawn so far; `pen` is the line's width as a share of the sheet's side."""
    kept: list[Any] = st.session_state.setdefault(_KEPT, [])
    _component(key=_KEY, data={"strokes": kept, "pen": pen}, on_strokes_change=_drawn)
    return strokes(st.session_state[_KEPT])


def _drawn() -> None:
    given = st.session_state[_KEY].get("strokes")
    try:
        strokes(given)
    except MnistnetError as error:
        session.notify(str(error))
        return
    st.session_state[_KEPT] = given
