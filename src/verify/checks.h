/* All three checks of one model file, cheapest first. */
#ifndef DMX_VERIFY_CHECKS_H
#define DMX_VERIFY_CHECKS_H

#include "arch/arch.h"
#include "verify/checker.h"
#include "verify/expected.h"
#include "verify/promises.h"

/* The options, with all defaults filled in. */
DMX_MUST_CHECK dmx_status dmx_checks_options(dmx_verify_options *out,
                                             const dmx_verify_options *given,
                                             dmx_error *err);

/* What the sources of a file must keep: the options', or what its precision
 * promises. */
dmx_gate dmx_checks_gate(const dmx_verify_options *options,
                         const dmx_model_file *file);

/* Checks 2 and 3: specification and promises, as findings. trusted: this run
 * wrote the file. */
DMX_MUST_CHECK dmx_status
dmx_checks_static(struct dmx_report *report, dmx_contract *contract,
                  const dmx_checker *checker, const dmx_model_file *file,
                  bool trusted, const dmx_hooks *hooks, dmx_error *err);

/* Check 1 against the model's reference, unless it is to be skipped or the file
 * states another network than the model's, which is a finding. The reference
 * runs where `expected` does not hold its results yet; NULL: nothing is kept
 * for another call. */
DMX_MUST_CHECK dmx_status
dmx_checks_parity(struct dmx_report *report, const dmx_model_file *file,
                  const struct dmx_model *model, const dmx_contract *contract,
                  dmx_expected *expected, const dmx_verify_options *options,
                  const dmx_hooks *hooks, dmx_error *err);

#endif
