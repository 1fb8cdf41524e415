/// Annotations: what somebody drew on a slide, in the formats that viewers write, and as rows of labels.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "swath/row_source.h"
#include "swath/slide.h"

namespace swath {

/// In level-0 pixels: (0, 0) is the top left corner of the top left pixel, whose centre is (0.5, 0.5).
struct Point {
  double x = 0;
  double y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

/// Closed: the last point joins the first and is not given twice. In either direction.
using Ring = std::vector<Point>;

/// What is inside the outer ring and in none of the holes. A ring that crosses itself encloses what it winds
/// around, however often.
struct Polygon {
  Ring outer;
  std::vector<Ring> holes;
};

/// One object that was drawn. Where it has several polygons, all of them are it.
struct Annotation {
  std::string class_name;                             ///< empty where the file gives none
  std::string name;                                   ///< of this object; empty where it has none
  std::optional<std::array<uint8_t, 3>> colour = {};  ///< RGB
  std::vector<Polygon> polygons = {};
};

/// The class, as QuPath calls it, of areas that are to be left alone.
inline constexpr char kIgnoredClass[] = "Ignore*";

struct Annotations {
  std::string path;
  std::string format;             ///< "GeoJSON", "ASAP XML", "ImageScope XML" or "NDPA"
  std::vector<Annotation> areas;  ///< in the file's order: each covers those before it
  /// What has no area, by what it is ("line", "point" …), and how many of them there are.
  std::map<std::string, int64_t> without_area;

  /// The names of classes, in the order in which they appear.
  std::vector<std::string> Classes() const;
};

/// Reads
///   GeoJSON         as QuPath writes it, and any other: a FeatureCollection, features in an array, a
///                   Feature, a geometry. The class is the classification's name, or else the object's.
///                   Counts from GeoJsonOrigin of `slide`, or from the slide's corner if that is not given.
///   ASAP XML        The class is the group.
///   ImageScope XML  Aperio's. The class is the layer's name, or else its attribute's; negative regions are
///                   holes in the areas of their layer that they meet.
///   NDPA            Hamamatsu's, in nanometres from the centre of the slide, which `slide` must therefore
///                   describe. The class is the title.
/// Throws Error (kInput, kUnsupported) with file and place.
Annotations ReadAnnotations(const std::string& path, const SlideInfo* slide = nullptr);

/// The level-0 pixel from whose corner GeoJSON counts. QuPath cuts a slide that says where the scanner found
/// something to these bounds, unless it has their width or height anyhow.
Point GeoJsonOrigin(const SlideInfo& slide);

/// Whether there is a file that begins as annotations do, in JSON or XML.
bool IsAnnotationFile(const std::string& path);

/// The box around some points, of which there is at least one.
struct Box {
  Point least;
  Point most;
};
Box BoxAround(const Ring& points);

/// Whether there is a point in both.
bool Meet(const Box& a, const Box& b);

/// Of the outer ring less the holes, in pixels; exact where no ring crosses itself or another one.
double Area(const Polygon& polygon);

/// What becomes of a class of annotations in labels.
struct LabelRule {
  enum class Kind {
    kLabel,    ///< its areas have `label`
    kIgnore,   ///< its areas carry no loss, whatever else they are
    kRegion,   ///< what lies in none of the areas of such classes carries no loss
    kNothing,  ///< its areas are left out
  };
  Kind kind = Kind::kLabel;
  uint8_t label = 0;
};

struct LabelRules {
  std::map<std::string, LabelRule> classes;  ///< by name; every class of the annotations has to be there
  uint8_t elsewhere = 0;                     ///< the label of what no area covers
  uint8_t ignore = 255;                      ///< the label that carries no loss
};

/// Annotations as labels of an image: one channel, uint8. A pixel is in an area that its centre is in; where
/// areas overlap, the one later in the file counts, regions and ignored areas after all others. Rows are made
/// as they are read: memory is that of the outlines.
///
/// Throws Error (kInput) that lists the classes for which there is no rule, and where every area lies outside
/// of the slide.
std::unique_ptr<RowSource> OpenAnnotationLabels(const Annotations& annotations, const LabelRules& rules,
                                                const ImagePlace& place);

/// Writes a FeatureCollection that QuPath opens: objectType annotation, name, classification with its colour.
/// Whole numbers where coordinates are, else what is needed to read the same doubles; they count from
/// `origin`, which is GeoJsonOrigin of the slide. The file takes its name
/// in Finish(); without it there is nothing under `path`. Throws Error (kOutput) that names `path`.
class GeoJsonWriter {
 public:
  explicit GeoJsonWriter(const std::string& path, Point origin = {});
  ~GeoJsonWriter();
  GeoJsonWriter(const GeoJsonWriter&) = delete;
  GeoJsonWriter& operator=(const GeoJsonWriter&) = delete;

  void Write(const Annotation& area);

  /// An area of one polygon, by rings, where it has too many holes to be held.
  void BeginPolygon(const Ring& outer);
  void AddHole(const Ring& hole);
  void EndPolygon(const Annotation& area);  ///< its class, name and colour

  /// Call once, after the last area.
  void Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

void WriteGeoJson(const Annotations& annotations, const std::string& path, Point origin = {});

}  // namespace swath
