// Scrolls the list of layers to the newest one, once for each layer that is added, and the page where that is not enough.
const seen = new Set()
const ABOVE = 90 // pixels of the layer before it stay in sight

const scroller = element => {
  const scrolls = element && element.scrollHeight > element.clientHeight
  return !element || (scrolls && /auto|scroll/.test(getComputedStyle(element).overflowY))
    ? element
    : scroller(element.parentElement)
}

export default function ({ data }) {
  if (!data.card || seen.has(data.card)) return
  seen.add(data.card)
  // The card is drawn by the same script run: wait until it is there.
  const look = tries => {
    const card = document.querySelector(`.st-key-${data.card}`)
    const list = card && scroller(card.parentElement)
    if (list) {
      list.scrollTop += card.getBoundingClientRect().top - list.getBoundingClientRect().top - ABOVE
      const bar = document.querySelector("[data-testid=stBottom]") // covers the lower end of the page
      const below = card.getBoundingClientRect().bottom - (bar ? bar.getBoundingClientRect().top : window.innerHeight)
      const page = scroller(list.parentElement)
      if (below > 0 && page) page.scrollTop += below
    } else if (tries) requestAnimationFrame(() => look(tries - 1))
  }
  requestAnimationFrame(() => look(60))
}
