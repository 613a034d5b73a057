// Fetches each feed named on the command line with two npm readers and prints, as JSON, the ids that each finds.
import { extract } from "@extractus/feed-extractor";
import Parser from "rss-parser";

const parser = new Parser({ timeout: 20_000 });
const readers = {
  "rss-parser": async (url) => {
    const feed = await parser.parseURL(url);
    return feed.items.map((item) => ({ id: item.guid ?? item.id, title: item.title, published: item.isoDate }));
  },
  "feed-extractor": async (url) => {
    const feed = await extract(url, { getExtraEntryFields: (item) => ({ guid: item.guid?.["#text"] ?? item.guid ?? item.id }) });
    return feed.entries.map((item) => ({ id: item.guid, title: item.title, published: item.published }));
  },
};

const found = {};
for (const [name, read] of Object.entries(readers)) {
  found[name] = {};
  for (const url of process.argv.slice(2)) found[name][url] = await read(url);
}
process.stdout.write(JSON.stringify(found));
