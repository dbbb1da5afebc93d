// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/model_reader.h"

#include <QRegularExpression>
#include <algorithm>
#include <span>

#include "engine/error.h"

namespace statescope {
namespace {

// For a checkpoint without tokenizer: the prompt as numbers, "1, 2, 3".
std::vector<std::int32_t> ids_in_text(const std::string& text) {
  std::vector<std::int32_t> ids;
  for (const QString& word :
       QString::fromStdString(text).split(QRegularExpression(QStringLiteral("[\\s,]+")), Qt::SkipEmptyParts)) {
    bool ok = false;
    ids.push_back(word.toInt(&ok));
    if (!ok) return {};
  }
  return ids;
}

}  // namespace

TokenIds first_tokens(const Trace& trace, std::int64_t length) {
  TokenIds ids;
  for (std::int64_t t = 0; t < length; ++t) {
    const TokenRecord& token = *trace.tokens[static_cast<std::size_t>(t)];
    (token.generated ? ids.generated : ids.prompt).push_back(token.id);
  }
  return ids;
}

ModelScene readable(ModelScene target, const LoadedModel& loaded, bool just_opened) {
  ModelRun& run = target.run;
  if (const ModelInfo& info = loaded.model->info(); just_opened && info.state_kind == StateKind::none) {
    if (!computes(info, target.view.map)) target.view.map = Quantity::y;
    if (target.view.overview == Summary::mean_delta || target.view.overview == Summary::state_norm)
      target.view.overview = Summary::update_norm;
  }
  if (loaded.tokenizer) {
    if (just_opened) run.prompt_ids.clear();
    if (just_opened && run.prompt.empty()) run.prompt = sample_prompt;
  } else if (run.prompt_ids.empty() || just_opened) {
    run.prompt_ids = ids_in_text(run.prompt);
    const std::int64_t vocab = loaded.model->info().sizes.vocab;
    const auto known = [vocab](std::int32_t id) { return id >= 0 && id < vocab; };
    if (just_opened && !std::all_of(run.prompt_ids.begin(), run.prompt_ids.end(), known)) run.prompt_ids.clear();
    if (run.prompt_ids.empty() && just_opened)
      for (std::int64_t i = 0; i < std::min<std::int64_t>(vocab, 12); ++i)
        run.prompt_ids.push_back(static_cast<std::int32_t>(i * vocab / 12 % vocab));
    if (run.prompt_ids.empty())
      throw Error(loaded.model->info().name + " has no tokenizer, so it reads token ids; type numbers such as 1, 2, 3");
  }
  return target;
}

void ModelReader::open(const std::filesystem::path& new_path, const std::string& new_device,
                       const std::shared_ptr<const LoadedModel>& model) {
  session = std::make_unique<Session>(model->model);
  loaded = model;
  path = new_path;
  device = new_device;
  texts.clear();
}

RunPointer ModelReader::snapshot() {
  const Trace& trace = session->trace();
  while (texts.size() < trace.length())
    texts.append(RunSnapshot::token_text(*loaded, trace.tokens[static_cast<std::size_t>(texts.size())]->id));
  return std::make_shared<const RunSnapshot>(RunSnapshot{loaded, trace, texts});
}

std::int64_t ModelReader::common_prefix(const std::vector<std::int32_t>& prompt,
                                        const std::vector<std::int32_t>& generated) const {
  const auto& tokens = session->trace().tokens;
  std::size_t same = 0;
  while (same < tokens.size() && same < prompt.size() + generated.size()) {
    const bool is_generated = same >= prompt.size();
    const std::int32_t id = is_generated ? generated[same - prompt.size()] : prompt[same];
    if (tokens[same]->id != id || tokens[same]->generated != is_generated) break;
    ++same;
  }
  return static_cast<std::int64_t>(same);
}

std::int64_t ModelReader::read(const TokenIds& ids, std::stop_token stop,
                               const std::function<void(std::int64_t)>& progress) {
  const std::int64_t kept = common_prefix(ids.prompt, ids.generated);
  session->rewind(kept);
  texts.resize(std::min<qsizetype>(texts.size(), kept));
  const auto append_rest = [&](const std::vector<std::int32_t>& part, std::int64_t begin, bool generated) {
    const std::int64_t there = session->length();
    const auto first = static_cast<std::size_t>(std::clamp<std::int64_t>(there - begin, 0, std::ssize(part)));
    session->append(std::span(part).subspan(first), generated, stop,
                    [&](std::int64_t done) { progress(there + done); });
  };
  append_rest(ids.prompt, 0, false);
  append_rest(ids.generated, std::ssize(ids.prompt), true);
  return session->length() - kept;
}

std::int64_t ModelReader::drawable_vocab() const {
  const std::int64_t vocab = loaded->model->info().sizes.vocab;
  return loaded->tokenizer ? std::min<std::int64_t>(loaded->tokenizer->vocab_size(), vocab) : vocab;
}

}  // namespace statescope
