// Files looked for: by content, by name; and texts in them replaced.
#include "fields.hpp"
#include "file_rules.hpp"

namespace standin::daytona {

namespace {

Answer find(const Call& call) {
    const auto path = asked_path(call);
    // 1 is "nothing found", which is an answer.
    const std::string script = R"(stat -- "$1" > /dev/null || exit 2
        grep -rnHZIF -e "$2" -- "$1"; [[ $? -le 1 ]])";
    const auto output = file_work(call, path, script, {path, call.request.asked("pattern")});
    auto matches = Json::array();
    for (std::size_t at = 0; at < output.size();) {
        const auto name_end = output.find('\0', at);
        const auto number_end = output.find(':', name_end);
        const auto line_end = output.find('\n', number_end);
        if (line_end == std::string::npos) break;
        matches.push_back({{"file", output.substr(at, name_end - at)},
                           {"line", std::stoi(output.substr(name_end + 1, number_end - name_end - 1))},
                           {"content", output.substr(number_end + 1, line_end - number_end - 1)}});
        at = line_end + 1;
    }
    return json_answer(matches);
}

Answer search(const Call& call) {
    const auto path = asked_path(call);
    const auto output =
        file_work(call, path, R"(find -H "$1" -name "$2" -print0)", {path, call.request.asked("pattern")});
    auto found = Json::array();
    for (std::size_t at = 0; at < output.size();) {
        const auto end = output.find('\0', at);
        found.push_back(output.substr(at, end - at));
        at = end == std::string::npos ? output.size() : end + 1;
    }
    return json_answer({{"files", found}});
}

std::string replaced(std::string text, const std::string& old, const std::string& by) {
    for (auto at = text.find(old); at != std::string::npos; at = text.find(old, at + by.size())) {
        text.replace(at, old.size(), by);
    }
    return text;
}

Answer replace(const Call& call) {
    const Fields fields(call.request);
    const auto pattern = fields.needed_text("pattern");
    const auto value = fields.text("newValue").value_or("");
    auto results = Json::array();
    for (const auto& path : fields.list("files")) {
        const auto content = content_of(call, path);
        if (content.status != 200) {
            results.push_back({{"file", path}, {"success", false}, {"error", content.text}});
            continue;
        }
        static_cast<void>(
            file_work(call, path, R"(cat > "$1")", {plain_path(path)}, replaced(content.text, pattern, value)));
        results.push_back({{"file", path}, {"success", true}});
    }
    return json_answer(results);
}

}  // namespace

std::optional<Answer> search_endpoints(const Call& call) {
    if (call.is("GET", {"files", "find"})) return find(call);
    if (call.is("GET", {"files", "search"})) return search(call);
    if (call.is("POST", {"files", "replace"})) return replace(call);
    return std::nullopt;
}

}  // namespace standin::daytona
