// The one thing the face reads of its own manifest when it runs: the names in "features", so that what the class does
// not withdraw is offered. The host reads and checks the whole text; this is no JSON parser for anybody else.
#ifndef BERTH_DETAIL_MANIFEST_HPP
#define BERTH_DETAIL_MANIFEST_HPP

#include <string_view>
#include <vector>

namespace berth::inline sdk_v1::detail {

/// The texts of the top-level array "features". A feature's name has no escapes, so none are resolved.
inline std::vector<std::string_view> manifest_features(std::string_view json) {
    std::vector<std::string_view> features;
    std::string_view key;  // the last text met at the top level
    bool inside = false;   // in the array of "features"
    int depth = 0;
    for (std::size_t at = 0; at < json.size(); ++at) {
        switch (json[at]) {
            case '"': {
                const std::size_t begin = ++at;
                while (at < json.size() && json[at] != '"')
                    at += json[at] == '\\' ? 2 : 1;
                if (at > json.size()) return features;
                const std::string_view text = json.substr(begin, at - begin);
                if (inside && depth == 2) features.push_back(text);
                if (depth == 1) key = text;
                break;
            }
            case '{':
            case '[':
                ++depth;
                inside = inside || (json[at] == '[' && depth == 2 && key == "features");
                break;
            case '}':
            case ']':
                --depth;
                inside = inside && depth >= 2;
                break;
            default:
                break;
        }
    }
    return features;
}

}  // namespace berth::inline sdk_v1::detail

#endif
