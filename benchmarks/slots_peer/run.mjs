// Time slot-calculator on a fixture: one staff member, Monday to Friday 09:00-17:00 New York, 30 minutes.
// node run.mjs FIXTURE RUNS  ->  {"slots": n, "milliseconds": [...]}
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// Both through require: the calculator must meet the very luxon whose zone is set here.
const require = createRequire(import.meta.url);
const { getSlots } = require("slot-calculator");
const { Settings } = require("luxon");

Settings.defaultZone = "America/New_York";
const fixture = JSON.parse(readFileSync(process.argv[2], "utf8"));
const days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"];
const asked = {
  from: fixture.from,
  to: fixture.to,
  duration: 30,
  availability: days.map((day) => ({ day, from: "09:00", to: "17:00" })),
  unavailability: fixture.busy.map(({ start, end }) => ({ from: start, to: end })),
  outputTimezone: "America/New_York",
};
const milliseconds = [];
let slots = 0;
for (let run = 0; run < Number(process.argv[3]); run++) {
  const began = process.hrtime.bigint();
  slots = getSlots(asked).availableSlots.length;
  milliseconds.push(Number(process.hrtime.bigint() - began) / 1e6);
}
console.log(JSON.stringify({ slots, milliseconds }));
