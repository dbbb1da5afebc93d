// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/models/model.h"
#include "engine/profile/profile.h"

namespace statescope {

/// What to record.
struct ProfileRequest {
  std::vector<std::int32_t> ids;  // read at once
  std::int64_t generate = 0;      // tokens after them, the most likely each time, read one by one
  bool record_prefill = true;     // false records the generation only
};

/// Called on the running thread after every token generated and after every piece of the prompt, with the zones since
/// the last call.
using ProfileListener = std::function<void(std::span<const ProfileZone> zones)>;

/// Runs the model and records every stage, after a short reading that is not recorded and warms up caches. The ceilings
/// are left empty: measure_ceilings fills them. Throws like `run`, and Error for an empty prompt.
Profile profile_run(const Model& model, const ProfileRequest& request, std::stop_token stop = {},
                    const ProfileListener& listener = {});

/// What running `tokens` tokens at once holds.
MemoryUse memory_use(const Model& model, std::int64_t tokens);

}  // namespace statescope
