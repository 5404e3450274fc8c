// One call: the WebSocket that sets it up, the WebRTC connection that carries the voices and the captions, and the way back when either breaks.

const GIVE_UP_MS = 60_000;
const PATIENCE_MS = 2_000;
const PING_MS = 2_000;
const ANSWER_MS = 4_000;
const TRY_AGAIN_MS = [0, 500, 1_000, 2_000, 4_000];

/**
 * `listener` is told: state(name) with connecting, connected, reconnecting or ended; message(object) in order, each once; voice(MediaStream);
 * ended({reason, key}).
 */
export class CallConnection {
  constructor(listener, { invite = null, token = null, language = null, stream = null, sessionId = null } = {}) {
    this.listener = listener;
    this.wish = { invite, token, language };
    this.stream = stream;
    this.sessionId = sessionId;
    this.seen = 0;
    this.over = false;
    this.attempts = 0;
    this.brokenSince = null;
    this.candidates = [];
    this.created = false;
    this.unsent = [];
    this.leaving = false;
  }

  begin() {
    this.listener.state('connecting');
    this.openSocket();
  }

  // ---- the socket

  openSocket() {
    if (this.over || this.socket?.readyState <= WebSocket.OPEN) return;
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws/call`, ['parley']);
    this.socket = socket;
    this.created = false;
    socket.onopen = () => this.send({ type: 'create', ...this.wish, session_id: this.sessionId, seen: this.seen });
    socket.onmessage = (event) => socket === this.socket && this.take(JSON.parse(event.data));
    socket.onclose = () => socket === this.socket && this.socketClosed();
  }

  socketClosed() {
    if (this.over) return;
    if (this.sessionId === null) {
      this.end({ reason: 'Parley cannot be reached.', key: 'browser.unreachable' });
    } else {
      this.tryAgain(() => this.openSocket());
    }
  }

  /** A socket over which no answer comes may be one that only looks open. */
  renewSocket() {
    if (this.over) return;
    const old = this.socket;
    this.socket = null;
    old?.close();
    this.openSocket();
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  take(message) {
    if ('n' in message) {
      if (message.n <= this.seen) return;
      this.seen = message.n;
    }
    switch (message.type) {
      case 'created':
        this.sessionCreated(message);
        break;
      case 'answer':
        this.answered(message.sdp);
        break;
      case 'refused':
        this.end(message);
        break;
      case 'ended':
        this.end(message);
        break;
      case 'pong':
        break;
      default:
        this.listener.message(message);
    }
  }

  sessionCreated({ session_id: sessionId, returns, ice_servers: iceServers }) {
    if (returns !== 'live') this.seen = 0;
    this.created = true;
    this.sessionId = sessionId;
    this.iceServers = iceServers;
    this.attempts = 0;
    if (returns !== 'live' || this.peer?.connectionState !== 'connected') this.connect();
    else this.brokenSince = null;
  }

  // ---- the voices

  async connect() {
    this.closePeer();
    const peer = new RTCPeerConnection({ iceServers: this.iceServers });
    this.peer = peer;
    this.candidates = [];
    this.offered = false;
    const [track] = this.stream?.getAudioTracks() ?? [];
    if (track) peer.addTrack(track, this.stream);
    else peer.addTransceiver('audio', { direction: 'recvonly' });
    peer.ontrack = ({ receiver, streams, track }) => {
      receiver.jitterBufferTarget = 0; // as little delay as the network allows
      this.listener.voice(streams[0] ?? new MediaStream([track]));
    };
    peer.onicecandidate = (event) => this.sendCandidate(peer, event.candidate);
    peer.onconnectionstatechange = () => peer === this.peer && this.peerChanged();
    this.openChannel(peer);
    await peer.setLocalDescription(await peer.createOffer());
    if (peer !== this.peer || this.leaving) return;
    this.send({ type: 'offer', sdp: peer.localDescription.sdp });
    this.offered = true;
    for (const candidate of this.candidates) this.sendCandidate(peer, candidate);
    setTimeout(() => peer === this.peer && peer.signalingState === 'have-local-offer' && this.renewSocket(), ANSWER_MS);
    this.watch(peer);
  }

  sendCandidate(peer, candidate) {
    if (peer !== this.peer) return;
    if (this.offered) this.send({ type: 'candidate', candidate: candidate?.toJSON() ?? null });
    else this.candidates.push(candidate);
  }

  openChannel(peer) {
    const channel = peer.createDataChannel('captions');
    this.channel = channel;
    channel.onmessage = (event) => peer === this.peer && this.take(JSON.parse(event.data));
    channel.onopen = () => {
      for (const message of this.unsent.splice(0)) channel.send(JSON.stringify(message));
      const pinging = setInterval(() => {
        if (channel.readyState === 'open') channel.send('{"type":"ping"}');
        else clearInterval(pinging);
      }, PING_MS);
    };
  }

  async answered(sdp) {
    const peer = this.peer;
    try {
      if (peer?.signalingState === 'have-local-offer') await peer.setRemoteDescription({ type: 'answer', sdp });
    } catch {
      if (peer === this.peer) this.restart();
    }
  }

  peerChanged() {
    const state = this.peer.connectionState;
    if (state === 'connected') {
      this.brokenSince = null;
      this.attempts = 0;
      this.listener.state('connected');
    } else if (state === 'failed' || state === 'disconnected') {
      this.listener.state('reconnecting');
      this.watch(this.peer, state === 'failed' ? 0 : PATIENCE_MS);
    }
  }

  /** Look in a while whether this connection stands, and make a new one if not. */
  watch(peer, patienceMs = 10_000) {
    setTimeout(() => {
      if (peer === this.peer && !this.over && peer.connectionState !== 'connected') this.restart();
    }, patienceMs);
  }

  restart() {
    this.tryAgain(() => {
      if (this.socket?.readyState === WebSocket.OPEN && this.created) this.connect();
      else this.openSocket();
    });
  }

  tryAgain(act) {
    if (this.over) return;
    this.brokenSince ??= Date.now();
    if (this.peer?.connectionState !== 'connected') this.listener.state('reconnecting');
    if (Date.now() - this.brokenSince > GIVE_UP_MS && this.peer?.connectionState !== 'connected') {
      this.end({ reason: 'The connection was lost.', key: 'browser.lost' });
      return;
    }
    const wait = TRY_AGAIN_MS[Math.min(this.attempts, TRY_AGAIN_MS.length - 1)];
    this.attempts += 1;
    clearTimeout(this.trying);
    this.trying = setTimeout(act, wait);
  }

  /** The network has changed, or is back: look at once. */
  networkBack() {
    if (this.over || this.peer?.connectionState === 'connected') return;
    this.attempts = 0;
    this.listener.state('reconnecting');
    this.renewSocket();
  }

  // ---- what the caller does

  /** Another microphone, without a new connection. */
  async useMicrophone(stream) {
    this.stream = stream;
    const sender = this.peer?.getSenders().find((each) => each.track?.kind === 'audio');
    if (sender) await sender.replaceTrack(stream.getAudioTracks()[0]);
    else if (this.peer) this.connect();
  }

  type(text) {
    this.tell({ type: 'text', text });
  }

  /** The page has spoken so many characters of what message `n` could not have spoken. */
  spoken(n, characters) {
    this.tell({ type: 'spoken', n, characters });
  }

  tell(message) {
    if (this.channel?.readyState === 'open') this.channel.send(JSON.stringify(message));
    else this.unsent.push(message);
  }

  hangUp() {
    this.leaving = true;
    const hungUp = { reason: 'You have hung up.', key: 'browser.hung_up' };
    if (this.created && this.socket?.readyState === WebSocket.OPEN) this.send({ type: 'end' });
    else if (this.channel?.readyState === 'open') this.channel.send('{"type":"end"}');
    else this.end(hungUp);
    setTimeout(() => this.end(hungUp), 1_000);
  }

  end({ reason, key }) {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.trying);
    this.closePeer();
    this.socket?.close();
    this.listener.state('ended');
    this.listener.ended({ reason, key });
  }

  closePeer() {
    this.channel = null;
    this.peer?.close();
    this.peer = null;
  }
}
