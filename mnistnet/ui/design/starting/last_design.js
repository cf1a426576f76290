// Keeps the address's design and recipe for this browser, and gives them back when the server asks for them.
// A browser that allows no storage remembers nothing.
const ITEM = "mnistnet.last-design"

export default function ({ data, setStateValue }) {
  try {
    const storage = window.localStorage
    if (data.keep) storage.setItem(ITEM, data.keep)
    if (data.forget) storage.removeItem(ITEM)
    const kept = data.ask && storage.getItem(ITEM)
    if (kept) setStateValue("kept", kept.slice(0, data.most))
  } catch (error) {
    console.info("mnistnet: this browser keeps no last design", error)
  }
}
