// What is drawn: the budget bar, the row of blocks, and the receptive field on a digit. Elements stay and get new
// attributes, so that focus and a drag survive each frame.

const SVG = "http://www.w3.org/2000/svg"
const GAP = 26, LEAST = 14, TALLEST = 128, TOP = 22, BELOW = 46
const [MOST_PER_CHANNEL, LEAST_PER_CHANNEL] = [2.4, 0.35]

// What was written last is kept beside the element: to ask the document takes longer.
const set = (element, attributes) => {
  element.written ??= {}
  for (const [name, value] of Object.entries(attributes)) {
    if (element.written[name] === value) continue
    element.written[name] = value
    element.setAttribute(name, value)
  }
  return element
}

const write = (element, text) => {
  if (element.textContent !== text) element.textContent = text
}

const label = (parent, name, x, y, content) => {
  const element = set(child(parent, "text", name), { x, y })
  if (element.label === content) return
  element.label = content
  element.textContent = content
}

// The child of this name, made at the first call.
const child = (parent, tag, name) => {
  parent.parts ??= new Map()
  const found = parent.parts.get(name)
  if (found) return found
  const made = parent.namespaceURI === SVG ? document.createElementNS(SVG, tag) : document.createElement(tag)
  made.dataset.part = name
  parent.parts.set(name, made)
  return parent.appendChild(made)
}

const remove = (parent, name) => {
  parent.parts.get(name)?.remove()
  parent.parts.delete(name)
}

const keepOnly = (parent, names) => {
  const wanted = new Set(names)
  for (const name of parent.parts?.keys() ?? []) if (!wanted.has(name)) remove(parent, name)
}

// A bar of all parameters, a piece for each layer, with the budget as a line.
const drawBudget = (svg, view) => {
  const { summary, budget, layers, barWidth: width } = view
  const reach = Math.max(budget * 1.06, summary.params * 1.04)
  const along = count => (count / reach) * width
  const pieces = layers.map((layer, index) => [layer, index, sum(summary.byLayer.get(index) ?? [], "params")]).filter(([, , own]) => own)
  keepOnly(svg, ["limit", "limit-label", ...pieces.map(([layer]) => layer.id)])
  let start = 0
  for (const [place, [layer, index, own]] of pieces.entries()) {
    const looks = ["piece", place % 2 && "even", layer.id === view.shown && "lit", start + own >= budget && "over"]
    const piece = set(child(svg, "g", layer.id), { class: looks.filter(Boolean).join(" "), "data-layer": layer.id })
    set(child(piece, "rect", "bar"), { x: along(start), y: 2, width: Math.max(1, along(own) - 1), height: 24 })
    label(piece, "number", along(start + own / 2), 18, along(own) > 20 ? String(index + 1) : "")
    if (layer.id === view.shown) {
      const share = ((100 * own) / summary.params).toFixed(1)
      write(child(piece, "title", "title"), `Layer ${index + 1}: ${thousands(own)} parameters, ${share} %`)
    }
    start += own
  }
  set(child(svg, "rect", "limit"), { x: along(budget) - 1.5, y: 0, width: 3, height: 30, class: "limit" })
  label(svg, "limit-label", Math.min(along(budget), width - 24), 42, thousands(budget))
  const over = summary.params - budget + 1
  const left = over > 0 ? `${thousands(over)} too many` : `${thousands(-over)} left`
  set(svg, { "aria-label": `${thousands(summary.params)} parameters by layer; under ${thousands(budget)} are allowed: ${left}` })
}

// Widths of blocks in pixels. `scale` is kept during a drag, so that the edge stays under the hand.
const scaleOf = (view, available) => {
  const channels = view.layers.map((_, index) => drawnRow(view, index)?.channels ?? 1)
  const rest = available - channels.length * (LEAST + GAP) - GAP
  const most = channels.reduce((total, count) => total + count, 0)
  return Math.max(LEAST_PER_CHANNEL, Math.min(MOST_PER_CHANNEL, rest / Math.max(1, most)))
}

const drawnRow = (view, index) => view.summary.byLayer.get(index)?.[0]

// One block a layer: its width for channels, its height for the map's side.
const drawBlocks = (svg, view) => {
  const tallest = Math.max(TABLE.image, ...view.summary.rows.map(row => row.size))
  const middle = TOP + TALLEST / 2
  keepOnly(svg, [...view.layers.flatMap(layer => [layer.id, `add-${layer.id}`]), "mark"])
  let x = GAP
  const places = []
  for (const [index, layer] of view.layers.entries()) {
    const row = drawnRow(view, index)
    const type = TABLE.layers[layer.type]
    const width = LEAST + (type.colour ? (row?.channels ?? 1) * view.scale : 0)
    const height = Math.max(10, ((row?.size ?? 1) / tallest) * TALLEST)
    const group = child(svg, "g", layer.id)
    drawBlock(group, view, layer, index, { x, width, height, middle })
    drawPlus(child(svg, "g", `add-${layer.id}`), view, layer, index, x + width + GAP / 2, middle)
    places.push({ id: layer.id, x, width })
    x += width + GAP
  }
  set(svg, { width: Math.max(view.available, x), height: TOP + TALLEST + BELOW })
  return places
}

// All within a block is drawn from its own left edge: what a drag pushes aside changes by one attribute.
const drawBlock = (group, view, layer, index, { x, width, height, middle }) => {
  const row = drawnRow(view, index), type = TABLE.layers[layer.type]
  const isFault = view.summary.fault?.layer === index
  const looks = ["block", !type.colour && "plain", isFault && "fault", layer.id === view.shown && "lit", !row && "later"]
  const value = layer[mainField(layer)]
  const [low, high] = limitsOf(layer) ?? []
  set(group, {
    class: looks.filter(Boolean).join(" "),
    transform: `translate(${x})`,
    "data-layer": layer.id,
    tabindex: 0,
    "aria-label": `Layer ${index + 1}, ${captionOf(layer)}`,
    role: value === undefined ? "group" : "slider", // a button would be named by its figures
    ...(value !== undefined && {
      "aria-valuenow": value,
      "aria-valuemin": low,
      "aria-valuemax": high,
      "aria-valuetext": describe(view, layer, index),
    }),
  })
  const colour = view.colours[layer.type] ?? "transparent"
  set(child(group, "rect", "body"), { y: middle - height / 2, width, height, rx: 4, style: `fill: ${colour}` })
  const window = type.colour ? (row ? `${row.kernel}×${row.kernel}` : "") : `${layer.rate}`
  const under = middle + TALLEST / 2
  label(group, "width", width / 2, middle - height / 2 - 7, type.colour && row ? String(row.channels) : "")
  label(group, "map", width / 2, under + 14, row ? `${row.size}×${row.size}` : "?")
  label(group, "kernel", width / 2, under + 27, window)
  label(group, "field", width / 2, under + 40, row ? `${view.reach.get(row).field} px` : "")
  if (hasEdge(view, layer, index)) {
    set(child(group, "rect", "grip"), { x: width - 5, y: middle - 11, width: 3, height: 22, rx: 1.5, class: "grip" })
    set(child(group, "rect", "edge"), { x: width - 8, y: middle - height / 2, width: 18, height, class: "edge" })
  } else for (const name of ["grip", "edge"]) remove(group, name)
}

const drawPlus = (group, view, layer, index, x, y) => {
  set(group, { class: view.may.add ? "plus" : "plus off", transform: `translate(${x})`, "data-after": layer.id })
  set(child(group, "rect", "area"), { x: 9 - GAP / 2, y: y - 16, width: GAP - 9, height: 32 })
  label(group, "sign", 3, y + 5, "+")
  write(child(group, "title", "title"), `Insert a layer after layer ${index + 1}`)
}

// The types of layers in the design, each with its colour.
const drawLegend = (list, view) => {
  const kinds = Object.keys(TABLE.layers).filter(name => view.layers.some(layer => layer.type === name))
  keepOnly(list, kinds)
  for (const name of kinds) {
    const item = child(list, "li", name)
    child(item, "span", "colour").style.background = view.colours[name] ?? ""
    write(child(item, "span", "title"), TABLE.layers[name].title)
  }
}

// The digit, and on it what the middle unit of the shown layer can see.
const drawWindow = (canvas, view, pixels) => {
  const index = view.layers.findIndex(layer => layer.id === view.shown)
  const row = view.summary.byLayer.get(index)?.at(-1)
  const context = canvas.getContext("2d")
  const image = context.createImageData(TABLE.image, TABLE.image)
  const [start, stop] = (row && spans(row, TABLE.image)[(row.size - 1) >> 1]) ?? [0, 0]
  const inside = place => place >= start && place < stop
  const edge = place => place === start || place === stop - 1
  for (let y = 0; y < TABLE.image; y++) {
    for (let x = 0; x < TABLE.image; x++) {
      const ink = pixels[y * TABLE.image + x], isSeen = inside(x) && inside(y)
      const isEdge = isSeen && (edge(x) || edge(y))
      const grey = isSeen ? ink : ink * 0.4 + 40
      image.data.set(isEdge ? [235, 140, 40, 255] : [grey, grey, grey, 255], 4 * (y * TABLE.image + x))
    }
  }
  context.putImageData(image, 0, 0)
  if (!row) return ""
  const field = view.reach.get(row).field
  const whole = stop - start === TABLE.image ? ": the whole image" : ""
  return `A unit of layer ${index + 1} sees ${field}×${field} pixels${whole}.`
}
