# The plug-in's description in Turtle: the same ports for four and for six
# stems. Order of ports: as in plugin.c (port_of); ranges of parameters: as in
# settings.c. tests/plugin checks both.
set(DMX_TTL_PREFIXES "@prefix atom: <http://lv2plug.in/ns/ext/atom#> .
@prefix bufsz: <http://lv2plug.in/ns/ext/buf-size#> .
@prefix doap: <http://usefulinc.com/ns/doap#> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix log: <http://lv2plug.in/ns/ext/log#> .
@prefix lv2: <http://lv2plug.in/ns/lv2core#> .
@prefix opts: <http://lv2plug.in/ns/ext/options#> .
@prefix patch: <http://lv2plug.in/ns/ext/patch#> .
@prefix pg: <http://lv2plug.in/ns/ext/port-groups#> .
@prefix pprops: <http://lv2plug.in/ns/ext/port-props#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix rsz: <http://lv2plug.in/ns/ext/resize-port#> .
@prefix state: <http://lv2plug.in/ns/ext/state#> .
@prefix units: <http://lv2plug.in/ns/extensions/units#> .
@prefix urid: <http://lv2plug.in/ns/ext/urid#> .
@prefix work: <http://lv2plug.in/ns/ext/worker#> .

")

# Adds a port: its classes, symbol, name, and other properties.
macro(dmx_ttl_port classes symbol name)
  if(index GREATER 0)
    string(APPEND ports " ,\n")
  endif()
  string(APPEND ports "  [\n    a ${classes} ;\n    lv2:index ${index} ;\n"
    "    lv2:symbol \"${symbol}\" ;\n    lv2:name \"${name}\" ;\n")
  foreach(property ${ARGN})
    string(APPEND ports "    ${property} ;\n")
  endforeach()
  string(APPEND ports "  ]")
  string(REPLACE "|" ";" ports "${ports}")
  math(EXPR index "${index} + 1")
endmacro()

macro(dmx_ttl_pair class symbol name group)
  foreach(side left right)
    dmx_ttl_port("lv2:AudioPort , lv2:${class}" ${symbol}_${side}
      "${name} ${side}" "pg:group <${group}>" "lv2:designation pg:${side}")
  endforeach()
endmacro()

function(dmx_ttl_plugin out stems)
  set(index 0)
  set(ports "")
  set(plugin "urn:demucs-onnx:stems${stems}")
  set(groups "<${plugin}#in> a pg:InputGroup , pg:StereoGroup ;
  lv2:symbol \"in\" ;\n  lv2:name \"Mix\" .\n\n")
  dmx_ttl_pair(InputPort in Mix "${plugin}#in")
  foreach(k RANGE 1 ${stems})
    dmx_ttl_pair(OutputPort stem${k} "Stem ${k}" "${plugin}#stem${k}")
    string(APPEND groups "<${plugin}#stem${k}> a pg:OutputGroup ,"
      " pg:StereoGroup ;\n  pg:source <${plugin}#in> ;\n"
      "  lv2:symbol \"stem${k}\" ;\n  lv2:name \"Stem ${k}\" .\n\n")
  endforeach()
  set(input "lv2:ControlPort , lv2:InputPort")
  set(output "lv2:ControlPort , lv2:OutputPort")
  foreach(k RANGE 1 ${stems})
    dmx_ttl_port("${input}" gain${k} "Gain ${k}" "lv2:default 0.0"
      "lv2:minimum -60.0" "lv2:maximum 12.0" "units:unit units:db")
  endforeach()
  dmx_ttl_port("${input}" enabled Enabled "lv2:default 1" "lv2:minimum 0"
    "lv2:maximum 1" "lv2:portProperty lv2:toggled"
    "lv2:designation lv2:enabled")
  dmx_ttl_port("${input}" freewheel "Free-wheeling" "lv2:default 0"
    "lv2:minimum 0" "lv2:maximum 1"
    "lv2:portProperty lv2:toggled , pprops:notOnGUI"
    "lv2:designation lv2:freeWheeling")
  dmx_ttl_port("${output}" latency Latency "lv2:minimum 0"
    "lv2:maximum 10000000" "units:unit units:frame"
    "lv2:portProperty lv2:reportsLatency , lv2:integer , pprops:notOnGUI"
    "lv2:designation lv2:latency")
  # "|" becomes a semicolon, which would end an item of a CMake list.
  set(points lv2:scalePoint)
  set(value 0)
  foreach(label "no model" loading running "failed: see the log")
    if(value GREATER 0)
      string(APPEND points " ,")
    endif()
    string(APPEND points
      "\n      [ rdfs:label \"${label}\" | rdf:value ${value} ]")
    math(EXPR value "${value} + 1")
  endforeach()
  dmx_ttl_port("${output}" status Status "lv2:minimum 0" "lv2:maximum 3"
    "lv2:portProperty lv2:integer , lv2:enumeration"
    "${points}")
  dmx_ttl_port("${output}" load "Load of a run, % of the hop" "lv2:minimum 0"
    "lv2:maximum 1000" "units:unit units:pc")
  dmx_ttl_port("atom:AtomPort , lv2:InputPort" control Control
    "atom:bufferType atom:Sequence" "atom:supports patch:Message"
    "lv2:designation lv2:control" "rsz:minimumSize 8192"
    "lv2:portProperty lv2:connectionOptional")
  dmx_ttl_port("atom:AtomPort , lv2:OutputPort" notify Notify
    "atom:bufferType atom:Sequence" "atom:supports patch:Message"
    "lv2:designation lv2:control" "rsz:minimumSize 8192"
    "lv2:portProperty lv2:connectionOptional")
  set(${out} "${groups}<${plugin}>
  a lv2:Plugin , lv2:SpectralPlugin ;
  doap:name \"Demucs stems (${stems})\" ;
  doap:license <https://spdx.org/licenses/MIT> ;
  lv2:project <urn:demucs-onnx> ;
  rdfs:comment \"Splits music into stems with a Demucs model while it plays.\" ;
  lv2:minorVersion 4 ;
  lv2:microVersion 0 ;
  lv2:optionalFeature lv2:hardRTCapable , urid:map , work:schedule , log:log ,
    opts:options , state:mapPath , state:freePath ;
  opts:supportedOption bufsz:maxBlockLength ;
  lv2:extensionData state:interface , work:interface ;
  pg:mainInput <${plugin}#in> ;
  patch:writable <urn:demucs-onnx:model> , <urn:demucs-onnx:segment> ,
    <urn:demucs-onnx:hop> , <urn:demucs-onnx:lookahead> ,
    <urn:demucs-onnx:threads> , <urn:demucs-onnx:precision> ;
  lv2:port\n${ports} .\n\n" PARENT_SCOPE)
endfunction()

function(dmx_ttl_number out name label least most usual)
  set(${out} "<urn:demucs-onnx:${name}> a lv2:Parameter ;
  rdfs:label \"${label}\" ;
  rdfs:range atom:Float ;
  lv2:minimum ${least} ;
  lv2:maximum ${most} ;
  lv2:default ${usual} .\n\n" PARENT_SCOPE)
endfunction()

function(dmx_describe_plugin bundle)
  set(text "${DMX_TTL_PREFIXES}<urn:demucs-onnx:model> a lv2:Parameter ;
  rdfs:label \"Model\" ;
  rdfs:comment \"A Demucs checkpoint, or a bag file.\" ;
  rdfs:range atom:Path .\n\n")
  dmx_ttl_number(one segment "Segment, s" 0.1 60.0 2.0)
  string(APPEND text "${one}")
  dmx_ttl_number(one hop "Hop, s (0: measured)" 0.0 10.0 0.5)
  string(APPEND text "${one}")
  dmx_ttl_number(one lookahead "Lookahead, s" 0.0 5.0 0.04)
  string(APPEND text "${one}")
  dmx_ttl_number(one threads "Threads (0: all cores)" 0.0 256.0 0.0)
  string(APPEND text "${one}")
  dmx_ttl_number(one precision "Precision (0: exact, 1: int16, 2: int8)"
    0.0 2.0 0.0)
  string(APPEND text "${one}")
  string(APPEND text "<urn:demucs-onnx> a doap:Project ;
  doap:name \"demucs-onnx\" ;
  doap:maintainer [ foaf:name \"the demucs-onnx authors\" ] .\n\n")
  set(manifest "@prefix lv2: <http://lv2plug.in/ns/lv2core#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n")
  foreach(stems 4 6)
    dmx_ttl_plugin(one ${stems})
    string(APPEND text "${one}")
    string(APPEND manifest "\n<urn:demucs-onnx:stems${stems}> a lv2:Plugin ;
  lv2:binary <demucs-onnx.so> ;
  rdfs:seeAlso <demucs-onnx.ttl> .\n")
  endforeach()
  file(CONFIGURE OUTPUT ${bundle}/demucs-onnx.ttl CONTENT "${text}" @ONLY)
  file(CONFIGURE OUTPUT ${bundle}/manifest.ttl CONTENT "${manifest}" @ONLY)
endfunction()
