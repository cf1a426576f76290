// The network under the hand. Python owns the design: it gets each change once it is made, checks it, and its answer
// is drawn. Until the answer comes, and while something moves, the same change is made here on a copy.

const LIMITS = { channels: [1, TABLE.most_channels], features: [1, TABLE.most_channels], size: [2, TABLE.image], rate: [0, 0.99] }
const CLICK = 5 // pixels that a pointer may move in a click
const SETTLES = 300 // milliseconds without a key, after which a change by keys is one change

const mainField = layer => Object.keys(LIMITS).find(field => field in layer)
const limitsOf = layer => LIMITS[mainField(layer)]
const captionOf = layer => {
  const kernel = layer.kernel ? ` ${layer.kernel}×${layer.kernel}` : ""
  return TABLE.layers[layer.type].short + kernel + (layer.stride > 1 ? `, stride ${layer.stride}` : "")
}

const hasEdge = (view, layer, index) =>
  view.may[TABLE.layers[layer.type].width] && view.layers.slice(index + 1).some(other => TABLE.layers[other.type].width)

const describe = (view, layer, index) => {
  const numbers = layerNumbers(view, [index])
  const own = numbers ? `map ${numbers.size}×${numbers.size}, ${numbers.params} parameters` : "cannot be built yet"
  return `${layer[mainField(layer)]} ${mainField(layer)}; ${own}`
}

const describeAll = view => {
  const { params, left, over } = designNumbers(view)
  const rest = { fits: `${left} left`, over: `${over} too many`, broken: "a layer does not fit" }
  return `in all ${params} parameters, ${rest[statesOf(view.summary, view.budget).at(-1)]}`
}

const applied = (layers, edits) =>
  edits.reduce((before, { op, layer, field, value, to }) => {
    const index = before.findIndex(other => other.id === layer)
    if (index < 0) return before
    if (op === "set") return before.with(index, { ...before[index], [field]: value })
    if (op === "remove") return before.toSpliced(index, 1)
    if (op === "move") return before.toSpliced(index, 1).toSpliced(to, 0, before[index])
    return before // Python knows the new layer's id
  }, layers)

class Editor {
  sent = [] // edits that Python has not answered yet
  number = 0 // of the last edit
  pending = null // a change by keys that goes on
  slid = new Map() // what the page's sliders show while they move, by layer
  end = new AbortController()
  drag = null
  hovered = null
  selected = null

  constructor(root) {
    this.root = root
    const roles = new Map([...root.querySelectorAll("[data-role]")].map(element => [element.dataset.role, element]))
    this.find = name => roles.get(name)
    this.listen()
    this.watchSliders()
    // Sizes are read here and nowhere else: to read one between two writes would lay out the whole page each time.
    this.resized = new ResizeObserver(() => {
      this.available = this.find("blocks").parentElement.clientWidth
      this.barWidth = this.find("budget").clientWidth
      this.draw()
    })
    this.resized.observe(this.find("blocks").parentElement)
  }

  receive({ data, setStateValue }) {
    this.tell = setStateValue
    this.data = data
    this.sent = this.sent.filter(edit => edit.n > data.applied)
    this.number = Math.max(this.number, data.applied)
    if (!this.isSliding) this.slid.clear()
    if (!data.layers.some(layer => layer.id === this.selected)) this.selected = null
    if (this.pixelsOf !== data.digit) {
      this.pixelsOf = data.digit
      this.pixels = Uint8Array.from(atob(data.digit), letter => letter.charCodeAt(0))
    }
    this.draw()
  }

  get layers() {
    const moving = [this.pending, this.drag?.edit].filter(Boolean)
    const slid = [...this.slid].map(([layer, { field, value }]) => ({ op: "set", layer, field, value }))
    return applied(this.data.layers, [...this.sent, ...slid, ...moving])
  }

  draw() {
    if (!this.data || !this.available) return
    const layers = this.layers
    const summary = summarize(TABLE, layers)
    const { budget, may, time, colours } = this.data
    const shown = this.hovered ?? this.selected ?? layers[0]?.id
    const { available, barWidth } = this
    const reach = receptiveFields(summary.rows)
    const view = { layers, summary, reach, budget, may, time, colours, shown, available, barWidth }
    view.scale = this.scale = this.drag?.edit ? this.scale : scaleOf(view, available)
    this.view = view
    writeFigures(view)
    drawBudget(this.find("budget"), view)
    this.places = drawBlocks(this.find("blocks"), view)
    this.drawTarget()
    this.drawWindow(view)
    this.drawTools(view)
    drawLegend(this.find("legend"), view)
    const fault = summary.fault
    write(this.find("fault"), fault ? `Layer ${fault.layer + 1}: ${fault.message}.` : "")
    document.body.classList.toggle("mnistnet-moves", this.isMoving)
  }

  get isMoving() {
    return Boolean(this.drag?.edit || this.pending || this.slid.size || this.sent.length)
  }

  // Widths do not change what a unit sees.
  drawWindow(view) {
    const seen = JSON.stringify([view.shown, this.pixelsOf, view.layers.map(({ channels, ...rest }) => rest)])
    if (seen === this.seen) return
    this.seen = seen
    write(this.find("sees"), drawWindow(this.find("digit"), view, this.pixels))
  }

  // The settings of the selected layer, and what can be done with it.
  drawTools(view) {
    const index = view.layers.findIndex(layer => layer.id === view.shown)
    if (index < 0) return
    const layer = view.layers[index], numbers = layerNumbers(view, [index])
    const width = layer[mainField(layer)] === undefined ? "" : ` · ${layer[mainField(layer)]} ${mainField(layer)}`
    const own = numbers ? ` · ${numbers.params} parameters` : ""
    write(this.find("name"), `Layer ${index + 1} · ${captionOf(layer)}${width}${own}`)
    const { move, add, remove } = view.may
    for (const [name, isOff] of Object.entries({
      up: !move || index === 0, down: !move || index === view.layers.length - 1,
      duplicate: !add, remove: !remove || view.layers.length === 1, insert: !add,
    })) this.find(name).disabled = isOff
  }

  drawTarget() {
    const mark = child(this.find("blocks"), "rect", "mark")
    const to = this.drag?.to
    const place = to === undefined ? null : to < this.places.length ? this.places[to].x : this.places.at(-1).x + this.places.at(-1).width + GAP
    set(mark, { x: (place ?? -9) - GAP / 2 - 1, y: TOP, width: place === null ? 0 : 3, height: TALLEST, class: "target" })
  }

  // One change, to Python.
  send(edit) {
    this.sent.push({ ...edit, n: ++this.number })
    this.tell("edits", this.sent)
    this.draw()
  }

  // A change of the layer's main setting by keys: one change once the keys rest.
  step(layer, by) {
    const field = mainField(layer)
    if (field === undefined || !this.view.may[field]) return
    if (this.pending && this.pending.layer !== layer.id) this.settle()
    const [low, high] = LIMITS[field]
    const value = field === "rate" ? Math.round(100 * layer.rate + by) / 100 : layer[field] + by
    this.pending = { op: "set", layer: layer.id, field, value: Math.min(high, Math.max(low, value)) }
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.settle(), SETTLES)
    this.draw()
  }

  settle() {
    clearTimeout(this.timer)
    const edit = this.pending
    this.pending = null
    if (!edit) return
    this.send(edit)
    const index = this.view.layers.findIndex(layer => layer.id === edit.layer)
    if (index < 0) return
    this.say(`Layer ${index + 1}: ${describe(this.view, this.view.layers[index], index)}; ${describeAll(this.view)}`)
  }

  move(id, by) {
    const from = this.layers.findIndex(layer => layer.id === id)
    const to = from + by
    if (!this.view.may.move || to < 0 || to >= this.layers.length) return
    this.send({ op: "move", layer: id, to })
    this.say(`Moved to place ${to + 1} of ${this.layers.length}`)
    this.block(id)?.focus() // its element was moved
  }

  act(name, id) {
    this.settle()
    this.selected = id
    const index = this.layers.findIndex(layer => layer.id === id)
    if (name === "up" || name === "down") return this.move(id, name === "up" ? -1 : 1)
    if (name === "insert") return this.openMenu(id)
    if (name === "settings") return this.send({ op: "open", layer: id })
    if (name === "duplicate" && this.view.may.add) this.send({ op: name, layer: id })
    if (name === "remove" && this.view.may.remove && this.layers.length > 1) {
      const next = this.layers[index + 1] ?? this.layers[index - 1]
      this.send({ op: name, layer: id })
      this.say(`Layer ${index + 1} removed`)
      this.selected = next.id
      this.block(next.id)?.focus()
      this.draw()
    }
  }

  block(id) {
    return this.find("blocks").querySelector(`.block[data-layer="${id}"]`)
  }

  say(words) {
    this.find("said").textContent = words
  }

  openMenu(after) {
    const menu = this.find("menu")
    menu.dataset.after = after
    const place = this.places.find(({ id }) => id === after)
    const scroller = this.find("blocks").parentElement
    const left = place.x + place.width - scroller.scrollLeft
    menu.style.left = `${Math.max(0, Math.min(left, scroller.clientWidth - 200))}px`
    menu.hidden = false
    menu.querySelector("button").focus()
  }

  closeMenu() {
    const menu = this.find("menu")
    if (menu.hidden) return
    menu.hidden = true
    this.block(menu.dataset.after)?.focus()
  }

  insert(type) {
    const after = this.find("menu").dataset.after
    this.closeMenu()
    this.send({ op: "insert", layer: after, type })
  }

  listen() {
    const blocks = this.find("blocks")
    blocks.addEventListener("pointerdown", event => this.press(event))
    blocks.addEventListener("pointermove", event => this.pull(event))
    blocks.addEventListener("pointerup", event => this.release(event))
    blocks.addEventListener("pointercancel", () => this.cancel())
    blocks.addEventListener("lostpointercapture", () => this.cancel())
    blocks.addEventListener("pointerleave", () => this.hover(null))
    blocks.addEventListener("dblclick", event => {
      const id = event.target.closest(".block")?.dataset.layer
      if (id) this.act("settings", id)
    })
    blocks.addEventListener("focusin", event => {
      const id = event.target.closest(".block")?.dataset.layer
      if (id && id !== this.selected) { this.selected = id; this.draw() }
    })
    blocks.addEventListener("keydown", event => this.key(event))
    this.find("budget").addEventListener("pointermove", event => this.hover(event.target.closest(".piece")?.dataset.layer ?? null))
    this.find("budget").addEventListener("pointerleave", () => this.hover(null))
    for (const name of ["up", "down", "duplicate", "remove", "insert", "settings"]) {
      this.find(name).addEventListener("click", () => this.act(name, this.view.shown))
    }
    this.find("menu").addEventListener("click", event => {
      const type = event.target.dataset.type
      if (type) this.insert(type)
    })
    this.root.addEventListener("keydown", event => {
      if (event.key !== "Escape") return
      this.closeMenu()
      this.cancel()
    })
    this.root.addEventListener("pointerdown", event => {
      if (!event.target.closest('[data-role="menu"], .plus, [data-role="insert"]')) this.find("menu").hidden = true
    })
  }

  hover(id) {
    if (id === this.hovered) return
    this.hovered = id
    this.draw()
  }

  press(event) {
    const plus = event.target.closest(".plus"), block = event.target.closest(".block")
    if (plus && this.view.may.add) return this.openMenu(plus.dataset.after)
    if (!block || event.button) return
    this.settle()
    this.selected = block.dataset.layer
    const layer = this.layers.find(({ id }) => id === this.selected)
    const isEdge = event.target.classList.contains("edge")
    this.drag = { layer, field: mainField(layer), isEdge, from: event.clientX }
    this.find("blocks").setPointerCapture(event.pointerId)
    // Tables of the page ask for their place at each move, and so would lay out the page twice a frame.
    event.preventDefault() // no mouse events behind the pointer's
    block.focus({ preventScroll: true })
    this.draw()
  }

  pull(event) {
    const { drag } = this
    if (!drag) return this.hover(event.target.closest(".block")?.dataset.layer ?? null)
    event.stopPropagation()
    const by = event.clientX - drag.from
    if (drag.isEdge) {
      const [low, high] = LIMITS[drag.field]
      const value = Math.round(drag.layer[drag.field] + by / Math.max(1, this.scale)) // a channel a pixel at most
      drag.edit = { op: "set", layer: drag.layer.id, field: drag.field, value: Math.min(high, Math.max(low, value)) }
    } else if (this.view.may.move && Math.abs(by) > CLICK) {
      const x = event.clientX - this.find("blocks").getBoundingClientRect().left
      drag.to = this.places.filter(place => place.x + place.width / 2 < x).length
    }
    this.draw()
  }

  release() {
    const { drag } = this
    this.drag = null
    if (!drag) return
    if (drag.edit && drag.edit.value !== drag.layer[drag.field]) return this.send(drag.edit)
    if (drag.to !== undefined) {
      const from = this.layers.findIndex(({ id }) => id === drag.layer.id)
      const to = drag.to > from ? drag.to - 1 : drag.to
      return to === from ? this.draw() : this.send({ op: "move", layer: drag.layer.id, to })
    }
    this.showCard(drag.layer.id)
    this.draw()
  }

  cancel() {
    if (!this.drag) return
    this.drag = null
    this.draw()
  }

  // The layer's card, with its settings, comes into view in its list; the page itself stays.
  showCard(id) {
    const card = document.querySelector(`.st-key-layer-${id}`)
    const list = card?.closest(".st-key-layers")
    if (!list) return
    const by = card.getBoundingClientRect().top - list.getBoundingClientRect().top
    list.scrollTo({ top: list.scrollTop + by - 8, behavior: "smooth" })
  }

  key(event) {
    const id = event.target.closest(".block")?.dataset.layer
    const layer = id && this.layers.find(other => other.id === id)
    if (!layer || event.ctrlKey || event.metaKey) return
    const direction = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key]
    const action = { Delete: "remove", Backspace: "remove", Enter: "settings", "+": "insert", Insert: "insert", d: "duplicate" }[event.key]
    if (direction && event.altKey) this.move(id, direction)
    else if (direction) this.step(layer, direction * (event.shiftKey ? 8 : 1))
    else if (action) this.act(action, id)
    else return
    event.preventDefault()
  }

  // The page's own sliders: their value while the thumb moves, which Python learns on release.
  watchSliders() {
    const read = target => {
      const input = target.closest?.('[data-testid="stSlider"] input[type="range"]')
      const key = input && [...input.closest('[class*="st-key-"]').classList].find(name => name.startsWith("st-key-"))
      const [, field, layer] = key?.match(/^st-key-(channels|features|size|rate)-([0-9a-f]+)-/) ?? []
      const known = layer && this.data?.layers.find(({ id }) => id === layer)
      if (!known) return
      const value = Number(input.value)
      if (value === known[field]) this.slid.delete(layer)
      else this.slid.set(layer, { field, value })
      this.draw()
    }
    const options = { capture: true, signal: this.end.signal }
    const slides = event => Boolean(event.target.closest?.('[data-testid="stSlider"]'))
    document.addEventListener("pointerdown", event => { this.isSliding = slides(event) }, options)
    document.addEventListener("pointerup", () => { this.isSliding = false }, options)
    this.slides = new MutationObserver(changes => changes.forEach(change => read(change.target)))
    this.slides.observe(document.body, { subtree: true, attributes: true, attributeFilter: ["value"] })
  }

  stop() {
    this.end.abort()
    this.slides.disconnect()
    this.resized.disconnect()
    clearTimeout(this.timer)
    document.body.classList.remove("mnistnet-moves")
  }
}

const editors = new WeakMap()

export default function (component) {
  const { parentElement } = component
  let editor = editors.get(parentElement)
  if (!editor) {
    editor = new Editor(parentElement.querySelector("[data-role=editor]"))
    editors.set(parentElement, editor)
  }
  editor.receive(component)
  return () => {
    editor.stop()
    editors.delete(parentElement)
  }
}
