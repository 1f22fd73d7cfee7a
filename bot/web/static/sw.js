// Keeps the emergency numbers for when there is no network. Nothing anybody said is kept.
const KEPT = "numbers-1";
const FILES = ["/offline", "/static/page.css"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.mode === "navigate" && event.request.method === "GET") {
    event.respondWith(fetch(event.request).catch(() => caches.match("/offline")));
  } else if (url.pathname === "/static/page.css") {
    event.respondWith(fetch(event.request).catch(() => caches.match("/static/page.css")));
  }
});
