/**
 * sha256 of the Linux binaries in @btc-vision/uwebsockets.js@20.57.0 (Node 20, 22, 24, 25): as they come from npm, and
 * after `rebindToOlderGlibc`. A new version of the package needs new lines here, or the step refuses its files.
 * @type {Readonly<Record<string, { shipped: string, patched: string }>>}
 */
export const KNOWN_BINARIES = {
  'uws_linux_x64_115.node': {
    shipped: '5b126ee00bf754b02e97e4c27090365a8562c5820c93f93918ac2212d4503e91',
    patched: '99c319b6b0a6dd804608a638743ddaa09416a48bb00e11eb6db900f1114c4fb2',
  },
  'uws_linux_x64_127.node': {
    shipped: '4b55b1f2cb7a7913febbb65a89496412b96af77e838552980092ba6b33723aac',
    patched: '3d1139b328939f90e29f37f897e96e0866f79b0765e0ceecb8a4ba25c0ed77ec',
  },
  'uws_linux_x64_137.node': {
    shipped: '98128405dba2fb608448e921a979530f70c946a2cc9889c15f2fa70c2d00ab05',
    patched: '439ac761f4c461c5d456ac8c48471087453e0e861b31960839ac8593044d3adb',
  },
  'uws_linux_x64_141.node': {
    shipped: '813d788b347c6fd76b779d8932311ec05a044e612b4b83af220f16e6ea789683',
    patched: 'a2eda4a27bd53c0ddaa0c9d59552a48fe08165fdd986aff8a6f3c6c072b37d9d',
  },
  'uws_linux_arm64_115.node': {
    shipped: '6bdbc8ff976b4371af1906175e9025804bacc38a414969f4f02314e6b99f206c',
    patched: 'bcaf86a978e9191b34587b13d1148c09234531ee82304354669307b98052c746',
  },
  'uws_linux_arm64_127.node': {
    shipped: '82b79bd18d1e3563de336156005bd01b7f39fc387b65173d69a29da4ee79f895',
    patched: 'bc9ac9bfd9dfdd59672fa409e5748f062d05d51a5027a89ea96618df9896b023',
  },
  'uws_linux_arm64_137.node': {
    shipped: '88618b30ddf6b2b62310db89f40a701616676352aac5e0f6184dd8ef876199ce',
    patched: 'd1c0aedd1e2eb95ac68d1f911ed4a70bba32b3e606a766c2fdca1ac04d57c266',
  },
  'uws_linux_arm64_141.node': {
    shipped: '81d0186dd1549ed6a7f47e68e323573fc27d69d2920527654ce2dd993af2b0ec',
    patched: '6fd7575b0c2ec3e93771c39c6ea8d50e7d12f92f781db0687d95948202fe32eb',
  },
};
