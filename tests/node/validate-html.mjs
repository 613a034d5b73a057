// Prints, as a JSON array, every finding of html-validate in the pages named on the command line.
import { readFileSync } from "node:fs";
import { HtmlValidate, StaticConfigLoader } from "html-validate";

const loader = new StaticConfigLoader({
  extends: ["html-validate:recommended", "html-validate:a11y"],
  rules: {
    "valid-id": ["error", { relaxed: true }], // an id is an entry's uid, which may begin with a digit
    "long-title": "off", // a title is as long as its author made it
    "tel-non-breaking": "off", // numbers in essays are not telephone numbers
    "no-trailing-whitespace": "off", // Markdown's own line ends
    "doctype-style": "off",
  },
});
const validator = new HtmlValidate(loader);

const findings = [];
for (const path of process.argv.slice(2)) {
  const report = await validator.validateString(readFileSync(path, "utf8"), path);
  for (const result of report.results) {
    for (const { ruleId, severity, message, line, column } of result.messages) {
      findings.push({ path, line, column, rule: ruleId, severity, message });
    }
  }
}
console.log(JSON.stringify(findings, null, 1));
