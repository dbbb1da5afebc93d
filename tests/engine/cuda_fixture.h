// SPDX-License-Identifier: GPL-3.0-or-later
// What the tests of models on a CUDA device share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "engine/models/model.h"
#include "kernels/cuda_devices.h"
#include "test_checkpoint.h"

namespace statescope::test {

using Floats = std::vector<float>;
using Ids = std::vector<std::int32_t>;

struct Pair {
  std::shared_ptr<const Model> cpu, cuda;
};

inline Pair load(const MambaSpec& spec, Precision precision = Precision::f32) {
  const TemporaryFolder folder;
  write_checkpoint(folder.path(), spec);
  return {load_model(folder.path(), precision, 1), load_model(folder.path(), precision, 1, "cuda")};
}

/// Without a device a test says that it is skipped.
class CudaModelTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kernels::cuda_devices().empty()) GTEST_SKIP() << "no CUDA device";
  }
};

const MambaSpec usual{{3, 32, 64, 16, 4, 2, 90}};

}  // namespace statescope::test
