// Prints, as JSON, what an npm feed reader (feedsmith) finds in each feed named on the command line.
import { readFileSync } from "node:fs";
import { parseFeed } from "feedsmith";

const entry = {
  rss: (item) => ({
    id: item.guid?.value,
    url: item.link,
    title: item.title,
    published: item.pubDate,
    categories: (item.categories ?? []).map((category) => category.name),
    authors: item.dc?.creators ?? [item.dc?.creator],
    summary: item.description,
    content: item.content?.encoded,
  }),
  atom: (item) => ({
    id: item.id,
    url: item.links?.find((link) => (link.rel ?? "alternate") === "alternate")?.href,
    title: item.title?.value ?? item.title,
    published: item.published,
    categories: (item.categories ?? []).map((category) => category.term),
    authors: item.authors?.map((author) => author.name),
    summary: item.summary?.value ?? item.summary,
    content: item.content?.value ?? item.content,
  }),
  json: (item) => ({
    id: item.id,
    url: item.url,
    title: item.title,
    published: item.date_published,
    categories: item.tags ?? [],
    authors: item.authors?.map((author) => author.name),
    summary: item.summary,
    content: item.content_html,
  }),
};

const found = process.argv.slice(2).map((path) => {
  const { format, feed } = parseFeed(readFileSync(path, "utf8"));
  const items = feed.items ?? feed.entries ?? [];
  return { format, title: feed.title?.value ?? feed.title, entries: items.map(entry[format]) };
});
process.stdout.write(JSON.stringify(found));
