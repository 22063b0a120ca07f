// Writes what tools/test.mjs needs to close a run with: the counts, and what did not run and why.

import { writeFileSync } from 'node:fs'
import { CampaignReporter } from './campaign-reporter.mjs'

export default class ClosingReporter {
  #campaign = new CampaignReporter()

  /** @param {import('vitest/node').TestCase} test */
  onTestCaseResult(test) {
    this.#campaign.onTestCaseResult(test)
  }

  /**
   * @param {ReadonlyArray<import('vitest/node').TestModule>} modules
   * @param {ReadonlyArray<unknown>} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const path = process.env.CREDENCE_TEST_RESULTS
    if (!path) return
    const results = {
      passed: 0,
      failed: unhandledErrors.length,
      skipped: /** @type {{ name: string, why: string }[]} */ ([]),
    }
    for (const module of modules) {
      let failedTests = 0
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') results.passed++
        else if (result.state === 'failed') failedTests++
        else {
          const why = (result.state === 'skipped' && result.note) || 'no reason given'
          results.skipped.push({ name: `${module.relativeModuleId} > ${test.fullName}`, why })
        }
      }
      // A file that fails outside its tests (it does not load, or a hook throws) has failed, whatever its tests say.
      const failedOutside = failedTests === 0 && module.state() === 'failed' ? 1 : 0
      results.failed += failedTests + failedOutside
    }
    writeFileSync(path, JSON.stringify(results))
  }
}
