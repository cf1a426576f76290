// The texts that Python wrote with their templates (`live.py`), written anew with the numbers under the hand.

// Python rounds a half to the even number.
const rounded = value => {
  const down = Math.floor(value)
  return value - down === 0.5 ? down + (down % 2) : Math.round(value)
}

// The twins of `widgets.duration` and `widgets.time_range`.
const duration = seconds => {
  if (seconds < 100) return `${Math.max(1, rounded(seconds))} s`
  const minutes = rounded(seconds / 60)
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`
}

const timeRange = (low, high) => {
  const [first, last] = [duration(low), duration(high)]
  if (first === last) return last
  const unit = last.slice(last.indexOf(" "))
  return `${first.endsWith(unit) ? first.slice(0, -unit.length) : first} to ${last}`
}

// Seconds of training, from the rates of each row: they go with the kinds of layers, not with their widths.
const seconds = (summary, time) =>
  summary.rows.reduce(
    (total, row, index) => total + row.macs * (time.per_mac[index] ?? 0) + row.values * (time.per_value[index] ?? 0),
    time.per_image,
  )

// The twin of `live.states`.
const statesOf = (summary, budget) => {
  if (!summary.isWhole) return ["broken"]
  const counted = summary.params < budget ? "fits" : "over"
  return summary.fault ? ["faulty", counted] : [counted]
}

const designNumbers = view => {
  const { summary, budget, time } = view
  const all = seconds(summary, time)
  return {
    params: thousands(summary.params),
    budget: thousands(budget),
    left: thousands(budget - 1 - summary.params),
    over: thousands(summary.params - budget + 1),
    macs: thousands(summary.macs),
    field: view.reach.get(summary.rows.at(-1))?.field ?? 1,
    time: timeRange(all * time.low, all * time.high),
  }
}

// The twin of `live.layer_numbers`.
const layerNumbers = (view, indices) => {
  const each = indices.map(index => view.summary.byLayer.get(index))
  if (!each.every(Boolean)) return null
  const last = each.at(-1).at(-1)
  return { size: last.size, params: thousands(sum(each.flat(), "params")), field: view.reach.get(last).field }
}

const writeFigures = view => {
  const states = statesOf(view.summary, view.budget)
  const ofDesign = designNumbers(view)
  const places = new Map(view.layers.map((layer, index) => [layer.id, index]))
  for (const element of document.querySelectorAll("[data-live]")) {
    const scope = element.dataset.live
    const indices = scope === "design" ? [] : scope.split(" ").map(id => places.get(id))
    if (indices.includes(undefined)) continue // of a layer that is gone: Python takes the element away
    const numbers = indices.length ? layerNumbers(view, indices) : ofDesign
    const state = numbers ? states.find(one => one in element.dataset) : "broken"
    write(element, fill(element.dataset[state], numbers ?? {}))
    if (element.dataset.state !== state) element.dataset.state = state
  }
  for (const element of document.querySelectorAll("[data-live-mark]")) {
    const index = places.get(element.dataset.liveMark)
    if (index === undefined) continue
    const widest = largestWidth(TABLE, view.layers, view.summary.isWhole, index, view.budget)
    const high = Number(element.dataset.high)
    const isShown = widest !== null && widest <= high
    element.hidden = !isShown
    if (isShown) element.style.left = `${(100 * (widest - 1)) / (high - 1)}%`
    write(element, isShown ? fill(element.dataset.words, { widest }) : "")
  }
}
