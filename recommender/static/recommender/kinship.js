// Kinship in a page: docs/site.md
(() => {
  const script = document.currentScript, { key, user, userToken, consent } = script.dataset
  const url = (script.dataset.url || new URL(script.src).origin) + "/v1"
  const rec_id = new URLSearchParams(location.search).get("rec_id") || undefined
  const warn = word => console.warn("Kinship:", word)
  let queue = [], failures = 0, timer, guest

  const stored = () => { try { return JSON.parse(localStorage.kinship) } catch { return {} } }
  const store = change => { try { localStorage.kinship = JSON.stringify({ ...stored(), ...change }) } catch { } }
  const mayKnow = () => consent === "required" ? stored().consent === true : stored().consent !== false

  // Random: who knows a guest's id may have their list.
  const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map(n => n.toString(36)).join("")
  const id = () => {
    if (user || !mayKnow()) return user
    guest = stored().id || guest || "guest-" + random()
    store({ id: guest })
    return guest
  }

  // sendBeacon() sends no key; a fetch with keepalive does, and outlives the page.
  const ask = (path, body) => fetch(url + path, {
    ...(body && { method: "POST", body: JSON.stringify(body), keepalive: true }),
    headers: {
      Authorization: "Bearer " + key, "Content-Type": "application/json",
      ...(userToken && { "X-Kinship-User-Token": userToken }),
    },
  })

  // By its id, an event sent twice counts once.
  const flush = async () => {
    const events = queue.slice(0, 50)
    if (!events.length) return
    const { status } = await ask("/events", events).catch(() => ({}))
    const done = status < 500 && status !== 429
    if (status !== 202) warn(`events ${status}`)
    if (done) queue = queue.filter(e => !events.includes(e))
    later(done ? failures = 0 : Math.random() * Math.min(6e4, 1000 * 2 ** ++failures))
  }
  const later = ms => {
    if (mayKnow()) store({ queue })
    clearTimeout(timer)
    if (queue.length) timer = setTimeout(flush, ms)
  }
  const track = (type, product, more) => {
    if (!id()) return
    queue.push({ id: random(), type, user: id(), product, at: new Date(), ...more })
    if (queue.length > 200) warn(queue.shift())
    later(300)
  }

  const path = ({ kinshipList: list, kinshipProduct: product }) =>
    product ? `/products/${encode(product)}/${list}`
      : list !== "for-user" ? "/" + list
        : id() ? `/users/${encode(id())}/recommendations` : "/popular"
  const encode = encodeURIComponent
  const one = value => (Array.isArray(value) ? value[0] : value) ?? ""

  const render = async place => {
    const template = place.querySelector("template")
    const parts = root => [...root.querySelectorAll("*")].map(part => [part, part.dataset])
    const names = parts(template.content).flatMap(([, d]) => [d.kinshipText, d.kinshipSrc])
    const answer = await ask(path(place.dataset) + "?" + new URLSearchParams({
      ...mayKnow() || { consent: false }, count: 6, fields: names.filter(n => n && n !== "why"),
      ...JSON.parse(place.dataset.kinshipRequest || "{}"),
    }))
    if (!answer.ok) throw await answer.text()
    const { items, rec_id } = await answer.json()
    if (!items[0]) return
    place.replaceChildren(template, ...items.map(item => {
      const values = { ...item.fields, id: item.id, rec_id, why: item.why.text }
      const copy = template.content.cloneNode(true)
      copy.firstElementChild.dataset.kinshipClick = item.id
      for (const [part, { kinshipText: text, kinshipSrc: src, kinshipHref: href }] of parts(copy)) {
        if (text) part.textContent = one(values[text])
        if (src) part.src = one(values[src])
        if (href) part.href = href.replace(/{(\w+)}/g, (_, name) => encode(one(values[name])))
      }
      return copy
    }))
    place.dataset.kinshipRec = rec_id
  }

  const each = (name, act) => document.querySelectorAll(`[data-kinship-${name}]`).forEach(act)
  const start = () => {
    if (mayKnow()) queue = [...stored().queue || [], ...queue]
    each("view", ({ dataset: d }) => track("view", d.kinshipView, { rec_id }))
    each("purchase", ({ dataset: d }) => JSON.parse(d.kinshipPurchase).forEach(({ product, ...more }) =>
      track("purchase", product, { id: d.kinshipOrder + ":" + product, ...more })))
    each("list", place => render(place).catch(warn))
    later(0)
  }

  document.addEventListener("click", ({ target }) => {
    for (const [name, type] of [["Click", "click"], ["Cart", "add_to_cart"]]) {
      const found = target.closest(`[data-kinship-${name}]`)
      const { kinshipRec = rec_id } = found?.closest("[data-kinship-rec]")?.dataset || {}
      if (found) track(type, found.dataset["kinship" + name], { rec_id: kinshipRec })
    }
  })
  addEventListener("pagehide", flush)

  window.kinship = {
    track, start, id,
    consent(given) {
      const knew = mayKnow()
      if (!given) store({ id: guest = undefined, queue: queue = [] })
      store({ consent: given })
      if (given && !knew) start()
    },
  }
  document.readyState === "loading" ? addEventListener("DOMContentLoaded", start) : start()
})()
