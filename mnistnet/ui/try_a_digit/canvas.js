// Strokes are kept here and sent to Python when one ends. Those that Python sends are used only when the canvas appears:
// a reply to an earlier stroke must not erase the stroke that is being drawn.
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
