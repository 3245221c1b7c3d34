// Runs every scenario with one version of the client: node run.mjs <package> <url>
// Prints a line of JSON for each: {"scenario", "verdict": "ok" | "failed" | "not offered", "detail"}.
import { createRequire } from "node:module"
import { join } from "node:path"
import { scenarios } from "./scenarios.mjs"
import { Stage } from "./stage.mjs"

const PATIENCE = 15_000 // ms for one scenario

const [home, client, url] = process.argv.slice(2)
const require = createRequire(join(home, "package.json"))
if(client === "phoenix-1.3"){ globalThis.window = globalThis } // it looks for WebSocket there
const phoenix = require(client)
const WebSocket = require("ws")

let failed = false
for(const [scenario, play] of Object.entries(scenarios)){
  const stage = new Stage(phoenix, WebSocket, url, scenario)
  let verdict = "ok", detail = "", alarm
  try {
    const late = new Promise((_, reject) => {
      alarm = setTimeout(() => reject(new Error(`not done after ${PATIENCE} ms: waited for ${stage.waitingFor}`)), PATIENCE)
    })
    const reason = await Promise.race([play(stage), late])
    if(reason !== undefined){ verdict = "not offered"; detail = reason }
  } catch(error){
    verdict = "failed"; detail = `${error.message}`; failed = true
  } finally {
    clearTimeout(alarm)
    stage.close()
  }
  console.log(JSON.stringify({scenario, verdict, detail}))
}
process.exit(failed ? 1 : 0)
