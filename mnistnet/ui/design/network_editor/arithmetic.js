// The arithmetic of a design in the browser: the twin of nets/summary.py and nets/widths.py, over the same table of
// layer types (`table.py`). Whole numbers, exact: receptive fields outgrow 2^53 and are BigInt, nothing else does.

const { format: thousands } = new Intl.NumberFormat("en-US")

const fill = (template, values) => template.replace(/{(\w+)}/g, (_, name) => values[name])

// What a layer does on the map of `before`: the twin of LayerType.operation.
const operation = (table, layer, before) => {
  const type = table.layers[layer.type]
  const number = (field, otherwise) => (field === table.map ? before.size : field ? layer[field] : otherwise)
  const kernel = number(type.kernel, 1)
  const channels = number(type.width, before.channels)
  const weights = kernel ** 2 * ({ all: before.channels, one: 1 }[type.filters] ?? 0) * channels
  return {
    channels,
    kernel,
    stride: number(type.stride, 1),
    padding: number(type.padding, 0),
    params: weights + (layer.bias ? channels : 0),
    macsPerPosition: weights,
  }
}

const rowOf = (layer, type, does, before, flat) => {
  const size = Math.floor((before.size + 2 * does.padding - does.kernel) / does.stride) + 1
  return {
    layer, type, size, flat, before,
    channels: does.channels,
    kernel: does.kernel,
    stride: does.stride,
    padding: does.padding,
    params: does.params,
    macs: does.macsPerPosition * size ** 2,
    values: does.channels * size ** 2,
  }
}

const refusal = (type, does, before) => {
  const room = before.size + 2 * does.padding
  if (before.flat && type.after_linear) return type.after_linear
  if (does.kernel > room) return fill(type.too_large, { kernel: does.kernel, size: before.size, padding: does.padding, room })
  return null
}

const sum = (rows, count) => rows.reduce((total, row) => total + row[count], 0)

const sizeFault = (table, rows) => {
  for (const { count, limit, noun } of table.limits) {
    const total = sum(rows, count)
    if (total <= limit) continue
    const largest = rows.reduce((most, row) => (row[count] > most[count] ? row : most))
    const message = fill(table.faults.too_many, { total: thousands(total), noun, limit: thousands(limit) })
    return { layer: largest.layer, message }
  }
  return null
}

const outputFault = (table, last) => {
  if (last.values === table.classes) return null
  const remedy = last.size > 1 && last.channels === table.classes ? table.faults.add_average : table.faults.add_head
  const shape = `${last.channels}×${last.size}×${last.size}`
  return { layer: last.layer, message: fill(table.faults.output, { shape, values: thousands(last.values), remedy }) }
}

// The twin of `summarize`: the rows up to the first layer that does not fit, and the fault or null.
const summarize = (table, layers) => {
  const rows = []
  let last = { layer: -1, channels: 1, size: table.image, flat: false, before: null }
  const add = row => { rows.push(row); last = row }
  for (const [index, layer] of layers.entries()) {
    const type = table.layers[layer.type]
    const does = operation(table, layer, last)
    const message = refusal(type, does, last)
    if (message) return summaryOf(rows, { layer: index, message }, false)
    add(rowOf(index, layer.type, does, last, last.flat || type.flattens))
    for (const name of layer.after ?? []) {
      const step = table.steps[name]
      const params = step.params_per_channel * last.channels
      const nothing = { channels: last.channels, kernel: 1, stride: 1, padding: 0, params, macsPerPosition: 0 }
      if (step.has_row) add(rowOf(index, name, nothing, last, last.flat))
    }
  }
  return summaryOf(rows, sizeFault(table, rows) ?? outputFault(table, last), true)
}

const summaryOf = (rows, fault, isWhole) => ({
  rows, fault, isWhole,
  params: sum(rows, "params"),
  macs: sum(rows, "macs"),
  values: sum(rows, "values"),
  byLayer: Map.groupBy(rows, row => row.layer),
})

// Of each row, by the row: field, jump and offset in pixels of the image, as BigInt.
const receptiveFields = rows => {
  let field = 1n, jump = 1n, offset = 0n
  const found = new Map()
  for (const row of rows) {
    field += BigInt(row.kernel - 1) * jump
    offset -= BigInt(row.padding) * jump
    jump *= BigInt(row.stride)
    found.set(row, { field, jump, offset })
  }
  return found
}

// Of each unit of a row along one axis, the pixels [start, stop) that it depends on; null where it reads only padding.
const spans = (row, image) => {
  let source = row
  while (source.before && source.kernel === 1 && source.stride === 1 && source.padding === 0) source = source.before
  if (!source.before) return Array.from({ length: image }, (_, pixel) => [pixel, pixel + 1])
  const below = spans(source.before, image)
  return Array.from({ length: source.size }, (_, unit) => {
    const start = unit * source.stride - source.padding
    const read = below.slice(Math.max(0, start), Math.max(0, start + source.kernel)).filter(Boolean)
    return read.length ? [read[0][0], read.at(-1)[1]] : null
  })
}

// Trainable parameters of a design in which every layer fits.
const parameters = (table, layers) => {
  let before = { channels: 1, size: table.image }
  let total = 0
  for (const layer of layers) {
    const does = operation(table, layer, before)
    const size = Math.floor((before.size + 2 * does.padding - does.kernel) / does.stride) + 1
    before = { channels: does.channels, size }
    total += does.params
    for (const step of layer.after ?? []) total += table.steps[step].params_per_channel * does.channels
  }
  return total
}

// The twin of `largest_width`: the most channels that convolution number `layer` can have under the budget; null where
// its width is not free, where nothing fits, and in a design that is not whole. The count is linear in one width.
const largestWidth = (table, layers, isWhole, layer, budget) => {
  if (!isWhole || !layers.slice(layer + 1).some(other => table.layers[other.type].width)) return null
  const [one, two] = [1, 2].map(channels => parameters(table, layers.with(layer, { ...layers[layer], channels })))
  if (one >= budget) return null
  return Math.min(Math.floor((budget - 1 - one) / (two - one)) + 1, table.most_channels)
}
