class VoiceClient {
  constructor(url) {
    this.ws = new WebSocket(url);
    this.setupHandlers();
  }

  setupHandlers() {
    this.ws.onopen = () => {
      console.log('Connected to voice service');
      this.startRecording();
    };

    this.ws.onmessage = (event) => {
      if (event.data instanceof Blob) {
        this.playAudio(event.data);
      } else {
        const msg = JSON.parse(event.data);
        console.log('Status:', msg);
      }
    };

    this.ws.onerror = (error) => {
      console.error('WebSocket error:', error);
    };

    this.ws.onclose = () => {
      console.log('Disconnected');
    };
  }

  startRecording() {
    navigator.mediaDevices.getUserMedia({ audio: true })
      .then(stream => {
        const mediaRecorder = new MediaRecorder(stream);

        mediaRecorder.ondataavailable = (event) => {
          if (event.data.size > 0) {
            this.ws.send(event.data);
          }
        };

        mediaRecorder.start(100); // 100ms chunks
      });
  }

  playAudio(audioBlob) {
    const audio = new Audio(URL.createObjectURL(audioBlob));
    audio.play();
  }

  endCall() {
    this.ws.send(JSON.stringify({ type: 'end_call' }));
    this.ws.close();
  }
}

// Usage
const client = new VoiceClient('ws://localhost:8005/ws/voice');
