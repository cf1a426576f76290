// Keeps the history of undo and redo for this tab, gives it back to a new session, and lets keys press Undo and Redo.
// A tab that allows no storage keeps nothing.
const ITEM = "mnistnet.history"
let asked = null // the session that was given what an earlier one kept
let listens = false

const stored = () => {
  try {
    return JSON.parse(window.sessionStorage.getItem(ITEM)) || {}
  } catch (error) {
    return {}
  }
}

const keep = (data, setTriggerValue) => {
  const { token, states = [], at, locked, opened } = stored()
  if (token && token !== data.token && data.phase !== "keep") {
    if (data.phase !== "ask" || asked === data.token) return
    asked = data.token
    return setTriggerValue("kept", JSON.stringify({ states, at, locked, opened }))
  }
  const known = new Map([...(Array.isArray(states) ? states : []), ...data.states].map(state => [state?.id, state]))
  const missing = data.order.filter(id => !known.has(id))
  if (missing.length) return setTriggerValue("missing", missing)
  const order = data.order.map(id => known.get(id))
  const copy = { token: data.token, states: order, at: data.at, locked: data.locked, opened: data.opened }
  window.sessionStorage.setItem(ITEM, JSON.stringify(copy))
}

const isText = element =>
  element.isContentEditable ||
  (element.matches("input, textarea, select") &&
    !element.matches("[type=range], [type=checkbox], [type=radio], [role=combobox][aria-expanded=false]"))

const press = event => {
  if (event.defaultPrevented || event.altKey || !(event.ctrlKey || event.metaKey) || isText(event.composedPath()[0])) return
  const key = event.key.toLowerCase()
  const button = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : null
  const element = button && document.querySelector(`.st-key-${button} button`)
  if (!element) return
  event.preventDefault()
  element.click()
}

export default function ({ data, setTriggerValue }) {
  if (!listens) document.addEventListener("keydown", press)
  listens = true
  try {
    keep(data, setTriggerValue)
  } catch (error) {
    console.info("mnistnet: this tab keeps no history", error)
  }
}
